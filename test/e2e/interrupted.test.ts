import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listKeepers } from '../../src/host/keeper/client.js';
import { readJsonFile } from '../../src/host/json-file.js';
import { AttemptRecordSchema, MetricSchema } from '../../src/schemas/attempt.js';
import { expectNoLeftovers, findUsers } from '../support/sweep.js';
import { spawnDev, type DevProcess } from '../support/temper-dev.js';
import { loggedIteration } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';

const RUN = 'stopped';
/** A start, and a training up to where it is stopped, on a busy machine. */
const LIMIT_MS = 60_000;
/** From here on a signal is a second request; see stop-requests.ts. */
const SAME_REQUEST_MS = 400;
/** Well below the 10 s that ranks have at a stop that is waited for. */
const AT_ONCE_MS = 5_000;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'temper-stopped-'));
});
afterEach(async () => {
  await expectNoLeftovers(home);
  rmSync(home, { recursive: true });
});

/** Waits for a condition; what dev said is in the error. */
function until(dev: DevProcess, check: () => void): Promise<void> {
  return vi.waitFor(
    () => {
      try {
        check();
      } catch (error) {
        throw new Error(dev.said(), { cause: error });
      }
    },
    { timeout: LIMIT_MS, interval: 50 },
  );
}

/** The newest iteration of an attempt, from the log of its last rank. */
const iteration = (attempt: number): number => loggedIteration({ home }, RUN, { attempt, lastRank: 3 });

/** The commands that keepers of a host started, without what tells the workflows of a name apart. */
function startedCommands(host: string): readonly string[] {
  const ids = listKeepers(join(home, 'hosts', host)).map(({ id }) => id);
  return ids.map((id) => id.replace(`${RUN}.`, '').replace(/-[0-9a-f]{8}$/, '')).toSorted();
}

describe('temper dev --run', { timeout: 240_000 }, () => {
  it('ends at Ctrl-C in the training, at once at a second one, and goes on from there when it is given again', async () => {
    const faults = join(home, 'faults.json');
    const suffer = (...list: readonly object[]): void => writeFileSync(faults, JSON.stringify({ v: 1, faults: list }));
    const file = join(home, 'spec.yaml');
    const workspace = join(home, 'workspace');
    const folder = join(workspace, 'runs', RUN);
    const curve = join(folder, 'attempts/0001/laptop-2/metrics.jsonl');
    writeFileSync(
      file,
      simulatedSpec({ name: RUN, workspace, iterations: 100, every: 30, env: { SIM_FAULTS: faults } }),
    );
    const start = (): DevProcess => spawnDev(home, ['--run', file]);

    // So that the training is not over before it is stopped, and a stop takes long.
    suffer({ kind: 'hang', iteration: 40 }, { kind: 'ignore-term', rank: 'all' });
    const first = start();
    await until(first, () => expect(iteration(1)).toBe(39));
    await until(first, () =>
      expect(readFileSync(join(folder, 'checkpoints.json'), 'utf8')).toMatch(/"iteration": 30\b/),
    );
    await until(first, () => expect(existsSync(curve)).toBe(true));
    first.child.kill('SIGINT');
    await until(first, () => expect(first.said()).toContain(`stopping ${RUN}; the next start continues it`));
    await sleep(SAME_REQUEST_MS + 200);
    const askedAt = performance.now();
    first.child.kill('SIGINT');
    await expect(first.ended).resolves.toBe(130);
    expect(performance.now() - askedAt).toBeLessThan(AT_ONCE_MS);
    // Its last words: no error, no stack.
    expect(first.said()).toMatch(new RegExp(`not waited for: ${RUN}; [^\\n]*\\n$`));
    expect(findUsers(home)).toEqual([]);

    suffer({ kind: 'hang', iteration: 70 });
    const second = start();
    await until(second, () => expect(iteration(2)).toBe(69));
    expect(second.said()).toContain(`continuing ${RUN}, whose stop was not waited for`);
    second.child.kill('SIGINT');
    await expect(second.ended).resolves.toBe(130);
    expect(findUsers(home)).toEqual([]);

    suffer();
    const third = start();
    await expect(third.ended.then((status) => [status, third.said()])).resolves.toEqual([
      0,
      expect.stringContaining(`${RUN} done`),
    ]);
    expect(third.said()).toContain(`continuing ${RUN}, which was stopped at train`);
    const attempt = await readJsonFile(join(folder, 'attempts/0002/attempt.json'), AttemptRecordSchema);
    expect(attempt?.load).toMatchObject({ iteration: 30 });
    // The first loss is that of the attempt whose supervisors were killed.
    const begun = MetricSchema.parse(JSON.parse(readFileSync(curve, 'utf8').split('\n')[0] ?? ''));
    expect(begun.iteration).toBe(1);
    expect(Number(/^loss +([\d.]+) first/m.exec(third.said())?.[1])).toBeCloseTo(begun.loss ?? 0, 4);
    // Each command of a stage once, each part of the training once for each of its three attempts.
    const [one, two] = ['laptop-1', 'laptop-2'].map(startedCommands);
    const attempts = (of: string): string[] => [1, 2, 3].map((attempt) => `train.${of}.${attempt}`);
    const environment = ['environment.probe.1', 'environment.prove.1'];
    expect(one).toEqual(
      [
        ...environment,
        ...['weights.make.1', 'data.make-numbers.1', 'data.check-numbers.1', 'convert.hf-to-dcp.1'],
        ...[...attempts('probe'), ...attempts('h00')],
        // Each start is another try of the run.
        ...['export.dcp-to-hf.3', 'verify.evaluate.3'],
      ].toSorted(),
    );
    expect(two).toEqual([...environment, ...attempts('probe'), ...attempts('h01')].toSorted());
  });
});
