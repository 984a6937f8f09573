import { describe, expect, it } from 'vitest';
import type { RunService } from '../../src/cli/run-service.js';
import type { RunState } from '../../src/schemas/run.js';
import { aBlockedRun, aDoneRun, aRun, knowing, temper, watching } from './support.js';

describe('temper watch', () => {
  const ends: [RunState, number][] = [
    ['done', 0],
    ['failed', 1],
    ['cancelled', 1],
    ['terminated', 1],
    ['blocked', 4],
  ];
  it.each(ends)('exits with the result of a run that is %s: %i', async (state, expected) => {
    const { status } = await temper(['watch', 'tiny'], {
      runs: { ...knowing(aRun()), ...watching(aRun(), aRun({ state })) },
    });
    expect(status).toBe(expected);
  });

  it('writes one status per line with -o jsonl, and nothing else on stdout', async () => {
    const { stdout } = await temper(['watch', 'tiny', '-o', 'jsonl'], {
      runs: { ...knowing(aRun()), ...watching(aRun(), aBlockedRun) },
    });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).state),
    ).toEqual(['running', 'blocked']);
  });

  it('writes one document with -o json, the reason on stderr', async () => {
    const { stdout, stderr } = await temper(['watch', 'tiny', '-o', 'json'], {
      runs: { ...knowing(aRun()), ...watching(aRun(), aBlockedRun) },
    });
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, state: 'blocked' });
    expect(stderr).toContain('error[CommandFailed]: convert ended with code 1');
    expect(stderr).toContain('temper resume tiny');
  });

  it('redraws on a terminal and writes no control codes elsewhere', async () => {
    const runs = { ...knowing(aRun()), ...watching(aRun(), aRun({ checkpoint: 'x' }), aDoneRun()) };
    expect((await temper(['watch', 'tiny'], { runs, isTTY: true })).stderr).toContain('\u001b[4A\u001b[0J');
    expect((await temper(['watch', 'tiny'], { runs })).stderr).not.toContain('\u001b');
  });

  it('only stops watching on Ctrl-C: exit 130, and says how to go on', async () => {
    let interrupt = (): void => undefined;
    const runs: Partial<RunService> = {
      ...knowing(aRun()),
      async *watchRun(_run, signal) {
        yield aRun();
        interrupt();
        await new Promise((_resolve, reject) =>
          signal.aborted ? reject(signal.reason) : signal.addEventListener('abort', () => reject(signal.reason)),
        );
      },
    };
    const { status, stdout, stderr } = await temper(['watch', 'tiny'], {
      runs,
      onListen: (listener) => (interrupt = listener),
    });
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toContain('tiny goes on. temper watch tiny watches again, temper cancel tiny stops it');
  });
});
