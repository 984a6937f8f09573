import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunService, StartRequest } from '../../src/cli/run-service.js';
import { TemperError } from '../../src/domain/errors.js';
import { aBlockedRun, aDoneRun, aRun, knowing, temper, watching } from './support.js';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-cli-'));
  await writeFile(join(dir, 'tiny.yaml'), await readFile(new URL('../../examples/tiny.yaml', import.meta.url), 'utf8'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('temper ls and status', () => {
  it('lists the newest first, as text, JSON and JSON lines', async () => {
    const runs = knowing(aRun({ run: 'old', startedAt: '2026-11-20T10:00:00.000Z' }), aRun());
    expect(
      (await temper(['ls'], { runs })).stdout
        .split('\n')
        .slice(1, 3)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['tiny', 'old']);
    expect(JSON.parse((await temper(['ls', '-o', 'json'], { runs })).stdout)).toMatchObject({
      v: 1,
      runs: [{ run: 'tiny' }, { run: 'old' }],
    });
    expect(
      (await temper(['ls', '-o', 'jsonl'], { runs })).stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).run),
    ).toEqual(['tiny', 'old']);
  });

  it.each([
    ['tiny', 'tiny'],
    ['tiny-', 'tiny-2'],
    ['oth', 'other'],
    ['@last', 'other'],
  ])('finds %s', async (wanted, run) => {
    const runs = knowing(
      aRun(),
      aRun({ run: 'tiny-2' }),
      aRun({ run: 'other', startedAt: '2026-11-24T00:00:00.000Z' }),
    );
    expect(JSON.parse((await temper(['status', wanted, '-o', 'json'], { runs })).stdout).run).toBe(run);
  });

  it.each([
    ['ti', 'it is the beginning of tiny, tiny-2'],
    ['tny', 'did you mean tiny?'],
    ['a/b', 'run names have lower-case letters, digits and dashes'],
  ])('refuses %s', async (wanted, why) => {
    const { status, stdout, stderr } = await temper(['status', wanted], {
      runs: knowing(aRun(), aRun({ run: 'tiny-2' })),
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('error[RunNotFound]');
    expect(stderr).toContain(why);
  });

  it('exits 0 for a blocked run that it can tell about, and 3 when nobody answers', async () => {
    expect(await temper(['status'], { runs: knowing(aBlockedRun) })).toMatchObject({ status: 0, stderr: '' });
    const runs = {
      listRuns: () => Promise.reject(new TemperError('Unreachable', { what: 'the server does not answer' })),
    };
    expect((await temper(['ls'], { runs })).status).toBe(3);
  });
});

describe('temper status', () => {
  it('shows the lines behind a failure and the file of its record, as text and as JSON', async () => {
    const incidentEvidence = { host: 'h2', rank: 2, lines: ['unknown kind "sgnal"'], file: '/w/incidents/0001.json' };
    const runs: Partial<RunService> = {
      ...knowing(aBlockedRun),
      explainRun: (status) => Promise.resolve({ ...status, incidentEvidence }),
    };
    const { stdout } = await temper(['status', 'tiny'], { runs });
    expect(stdout).toContain(
      '  evidence of rank 2 on h2:\n  | unknown kind "sgnal"\n  record: /w/incidents/0001.json\n',
    );
    expect(JSON.parse((await temper(['status', 'tiny', '-o', 'json'], { runs })).stdout)).toMatchObject({
      incidentEvidence,
    });
  });

  it('tells the stages of a finished run once', async () => {
    const { stdout } = await temper(['status', 'tiny'], { runs: knowing(aDoneRun()) });
    expect(stdout).toContain('model    /w/runs/tiny/export/hf');
    expect(stdout.match(/^STAGE /gm)).toHaveLength(1);
  });
});

describe('temper start', () => {
  const start = async (argv: string[], runs: Partial<RunService>) =>
    temper(['start', 'tiny.yaml', ...argv], { runs, cwd: dir });

  it('sends the spec with absolute paths and the choices', async () => {
    const requests: StartRequest[] = [];
    const startRun: RunService['startRun'] = (request) => {
      requests.push(request);
      return Promise.resolve({ run: request.run, started: true, status: aRun() });
    };
    const argv = [
      '--run',
      'mine',
      '--new',
      '--from',
      'train',
      '--until',
      'export',
      '--from-checkpoint',
      'ckpt',
      '-o',
      'json',
    ];
    const { status, stdout } = await start(argv, { startRun });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, run: 'mine', started: true });
    expect(requests).toMatchObject([
      { run: 'mine', isNew: true, from: 'train', until: 'export', file: join(dir, 'tiny.yaml') },
    ]);
    expect(requests[0]?.specText).toContain(`workspace: ${join(dir, '../.temper/workspace')} #`);
    expect(requests[0]?.specText).toContain(`fromCheckpoint: "${join(dir, 'ckpt')}"`);
  });

  it('says when the run is there already', async () => {
    const startRun = () => Promise.resolve({ run: 'tiny', started: false, status: aRun() });
    expect((await start([], { startRun })).stdout).toBe('tiny is there already (running) and was not started again\n');
  });

  it('refuses a bad run name before anything is sent', async () => {
    expect(await start(['--run', 'a;b'], {})).toMatchObject({ status: 2, stdout: '' });
  });

  it('refuses a stage that the recipe does not have', async () => {
    const { status, stderr } = await start(['--until', 'check'], {});
    expect(status).toBe(2);
    expect(stderr).toContain('the recipe cpu-tiny has no stage check');
  });

  it('refuses to begin after its end', async () => {
    const { status, stdout, stderr } = await start(['--from', 'verify', '--until', 'environment'], {});
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('verify comes after environment, where --until stops');
    const startRun = () => Promise.resolve({ run: 'tiny', started: true, status: aRun() });
    expect((await start(['--from', 'train', '--until', 'train'], { startRun })).status).toBe(0);
  });

  it('tells why a blocked run waits and how it goes on: exit 4', async () => {
    const startRun = () => Promise.resolve({ run: 'tiny', started: false, status: aBlockedRun });
    const { status, stdout, stderr } = await start([], { startRun });
    expect(status).toBe(4);
    expect(stdout).toContain('tiny is there already (blocked) and was not started again\n');
    expect(stdout).toContain('error[CommandFailed]: convert ended with code 1\n  fix: free the disk\n');
    expect(stderr).toBe('tiny waits for you: temper resume tiny continues it after the fix\n');
    expect((await start(['-o', 'json'], { startRun })).status).toBe(4);
  });

  it('watches and ends with the report on stdout', async () => {
    const startRun = () => Promise.resolve({ run: 'tiny', started: true, status: aRun() });
    const { status, stdout, stderr } = await start(['--watch'], { startRun, ...watching(aRun(), aDoneRun()) });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^tiny done in 3m 12s\n/);
    expect(stderr).toContain('train done on 2 hosts (1m 01s)');
  });
});

describe('temper cancel, pause, resume, hosts', () => {
  it('cancels after a yes only', async () => {
    const cancelled: unknown[] = [];
    const cancelRun =
      (schedule: string | null): RunService['cancelRun'] =>
      async (run, { why }) => {
        cancelled.push([run, why]);
        return schedule;
      };
    const runs = { ...knowing(aRun()), cancelRun: cancelRun(null) };
    const refused = await temper(['cancel', 'tiny'], { runs });
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('temper cancel tiny --yes');
    expect((await temper(['cancel', 'tiny'], { runs, answer: true })).status).toBe(0);
    expect((await temper(['cancel', 'tiny', '--yes', '--reason', 'enough'], { runs })).status).toBe(0);
    const ofRetrain = await temper(['cancel', 'tiny', '--yes'], { runs: { ...runs, cancelRun: cancelRun('nightly') } });
    expect(ofRetrain.stdout).toBe(
      'the retrain of tiny is being cancelled; temper schedule describe nightly shows it\n',
    );
    expect(cancelled).toEqual([
      ['tiny', null],
      ['tiny', 'enough'],
      ['tiny', null],
    ]);
  });

  it('pauses', async () => {
    const { status, stdout } = await temper(['pause', 'tiny'], {
      runs: { ...knowing(aRun()), pauseRun: () => Promise.resolve() },
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'tiny is paused; temper resume tiny continues it\n' });
  });

  it('resumes with corrections, whose paths are made absolute here', async () => {
    const seen: unknown[] = [];
    const resumeRun: RunService['resumeRun'] = (run, request) => {
      seen.push([run, request]);
      return Promise.resolve({ v: 1, resumed: true, problems: [], invalidated: ['train', 'export'] });
    };
    const argv = [
      'resume',
      'tiny',
      '--set',
      'train.learningRate=1e-5',
      '--set',
      'weights.source=path:models',
      '--from',
      'train',
    ];
    const { status, stdout } = await temper(argv, { runs: { ...knowing(aBlockedRun), resumeRun }, cwd: '/here' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'tiny continues; made again: train, export\n' });
    expect(seen).toEqual([
      [
        'tiny',
        {
          set: [
            { path: 'train.learningRate', value: '1e-5' },
            { path: 'weights.source', value: '"path:/here/models"' },
          ],
          from: 'train',
        },
      ],
    ]);
  });

  it('exits 4 with the problems when a correction leaves the run blocked', async () => {
    const problem = {
      code: 'SpecInvalid',
      what: '"x" is text',
      where: 'train.iterations',
      fix: 'write a number',
      retryable: false,
    };
    const resumeRun = () => Promise.resolve({ v: 1 as const, resumed: false, problems: [problem], invalidated: [] });
    const { status, stdout, stderr } = await temper(['resume', 'tiny', '--set', 'train.iterations=x', '--watch'], {
      runs: { ...knowing(aBlockedRun), resumeRun },
    });
    expect({ status, stdout }).toEqual({ status: 4, stdout: 'tiny stays blocked\n' });
    expect(stderr).toContain('error[SpecInvalid]: "x" is text');
  });

  it('lists hosts with their owners', async () => {
    const host = {
      v: 1 as const,
      machineId: 'm',
      pid: 1,
      address: '10.0.0.1',
      labels: [],
      scratch: '/s',
      startedAt: new Date().toISOString(),
    };
    const getFleet = () =>
      Promise.resolve({
        v: 1 as const,
        hosts: [
          { ...host, name: 'h1' },
          { ...host, name: 'h2' },
        ],
        leases: [{ lease: 3, owner: 'temper/run/tiny/train', hosts: ['h1'] }],
        waiting: [{ owner: 'temper/run/b', count: 2 }],
      });
    const { stdout } = await temper(['hosts'], { runs: { getFleet } });
    expect(stdout).toMatch(/h1 +10\.0\.0\.1 +- +lease 3 +temper\/run\/tiny\/train/);
    expect(stdout).toMatch(/h2 +10\.0\.0\.1 +- +free/);
    expect(stdout).toContain('waiting: temper/run/b for 2 hosts');
  });
});
