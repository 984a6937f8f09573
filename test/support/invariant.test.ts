import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { expectInvariant, findViolations, type KeeperSpan, type Records, type Violation } from './invariant.js';
import { LOG_RESOLUTION_MS, readRecords } from './read-records.js';

/** A run as it should be: attempts one after the other on the same hosts, each with steps and one save. */
const healthy: fc.Arbitrary<Records> = fc
  .record({
    lives: fc.array(fc.record({ pauseMs: fc.nat(500), lengthMs: fc.integer({ min: 10, max: 2_000 }) }), {
      minLength: 2,
      maxLength: 6,
    }),
    hosts: fc.integer({ min: 1, max: 4 }),
    stepsEach: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ lives, hosts, stepsEach }) => {
    const names = Array.from({ length: hosts }, (_, host) => `h${host}`);
    const records = {
      keepers: [] as KeeperSpan[],
      steps: [] as Records['steps'][number][],
      writes: [] as Records['writes'][number][],
    };
    let nowMs = 1_000;
    for (const [index, { pauseMs, lengthMs }] of lives.entries()) {
      const attempt = index + 1;
      const startedMs = nowMs + pauseMs;
      nowMs = startedMs + lengthMs;
      const reads = attempt === 1 ? [] : [`/ws/${attempt - 1}/ckpt/iter_1`];
      for (const host of names) {
        records.keepers.push({ id: `k${attempt}-${host}`, host, run: 'r', attempt, startedMs, endedMs: nowMs, reads });
      }
      for (let step = 1; step <= stepsEach; step += 1) {
        const atMs = startedMs + (lengthMs * step) / (stepsEach + 1);
        records.steps.push({ run: 'r', attempt, host: names.at(-1) ?? '', iteration: step, atMs });
      }
      records.writes.push({ run: 'r', attempt, path: `/ws/${attempt}/ckpt/iter_1/shard`, atMs: nowMs - 1 });
    }
    return { ...records, fences: [{ run: 'r', attempt: lives.length }] };
  });

const kinds = (records: Records, slackMs = 0): readonly Violation['kind'][] => [
  ...new Set(findViolations(records, { slackMs }).map(({ kind }) => kind)),
];

/** Names the kind that one disturbance of a healthy run must show. */
function expectFound(kind: Violation['kind'], disturb: (records: Records) => Records): void {
  fc.assert(
    fc.property(healthy, (records) => {
      expect(kinds(disturb(records))).toContain(kind);
    }),
  );
}

const last = <T>(some: readonly T[]): T => {
  const found = some.at(-1);
  if (found === undefined) throw new Error('empty');
  return found;
};
const first = <T>(some: readonly T[]): T => last(some.slice(0, 1));

describe('the invariant', () => {
  it('holds for attempts that follow each other, in any order of the records', () => {
    fc.assert(
      fc.property(healthy, (records) => {
        expect(findViolations(records)).toEqual([]);
        expect(
          findViolations({
            ...records,
            keepers: records.keepers.toReversed(),
            steps: records.steps.toReversed(),
            writes: records.writes.toReversed(),
          }),
        ).toEqual([]);
        expectInvariant(records);
      }),
    );
  });

  it('holds across runs: their attempts have nothing to do with each other', () => {
    fc.assert(
      fc.property(healthy, healthy, (one, other) => {
        const renamed = <T extends { run: string }>(some: readonly T[]): T[] =>
          some.map((each) => ({ ...each, run: 'q' }));
        const elsewhere = renamed(other.keepers).map((span) => ({ ...span, host: `q-${span.host}`, reads: [] }));
        const both: Records = {
          keepers: [...one.keepers, ...elsewhere],
          steps: [...one.steps, ...renamed(other.steps).map((step) => ({ ...step, host: `q-${step.host}` }))],
          writes: one.writes,
          fences: [...one.fences, ...renamed(other.fences)],
        };
        expect(findViolations(both)).toEqual([]);
      }),
    );
  });
});

describe('a disturbed run is found out', () => {
  it('when an old attempt makes a step after a newer one began', () => {
    expectFound('steps-interleaved', (records) => {
      const late = { ...first(records.steps), atMs: last(records.steps).atMs + 1 };
      return { ...records, steps: [...records.steps, late] };
    });
  });

  it('when a rank outlives its keeper', () => {
    expectFound('step-without-keeper', (records) => {
      const { endedMs } = last(records.keepers);
      const late = { ...last(records.steps), atMs: (endedMs ?? 0) + 1 };
      return { ...records, steps: [...records.steps, late] };
    });
  });

  it('when two attempts, or two runs, share a host', () => {
    expectFound('host-shared', (records) => ({
      ...records,
      keepers: [...records.keepers.slice(1), { ...first(records.keepers), endedMs: null }],
    }));
    expectFound('host-shared', (records) => ({
      ...records,
      keepers: [...records.keepers, { ...last(records.keepers), run: 'other' }],
    }));
  });

  it('when a save folder is written to by nobody who may', () => {
    expectFound('write-without-keeper', (records) => ({
      ...records,
      writes: [...records.writes, { ...first(records.writes), atMs: (last(records.keepers).endedMs ?? 0) + 1 }],
    }));
  });

  it('when a checkpoint changes while it is in use', () => {
    expectFound('write-into-used', (records) => {
      const { startedMs, endedMs, attempt } = last(records.keepers);
      const atMs = (startedMs + (endedMs ?? 0)) / 2;
      const path = `/ws/${attempt - 1}/ckpt/iter_1/shard`;
      return { ...records, writes: [...records.writes, { run: 'r', attempt: attempt - 1, path, atMs }] };
    });
  });

  it('when the fence was lowered, or never raised', () => {
    expectFound('fence-too-low', (records) => ({ ...records, fences: [{ run: 'r', attempt: 1 }] }));
    expectFound('fence-too-low', (records) => ({ ...records, fences: [] }));
  });

  it('unless the times leave it open', () => {
    fc.assert(
      fc.property(healthy, fc.integer({ min: 1, max: 1_000 }), (records, shiftMs) => {
        const shifted = records.steps.map((step) => ({ ...step, atMs: step.atMs - shiftMs }));
        expect(kinds({ ...records, steps: shifted }, 1_000)).toEqual([]);
      }),
    );
  });

  it('and all that is wrong is told', () => {
    const span = { id: 'k', host: 'h', run: 'r', attempt: 1, startedMs: 0, endedMs: 9, reads: [] };
    const records = { keepers: [span], steps: [{ ...span, iteration: 4, atMs: 20 }], writes: [], fences: [] };
    expect(() => expectInvariant(records)).toThrow(
      'step-without-keeper: attempt 1 of r made iteration 4 on h at 20, when no keeper of it ran\n' +
        'fence-too-low: the fence of r is below k',
    );
  });
});

describe('the records on disk', () => {
  const root = mkdtempSync(join(tmpdir(), 'temper-records-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, value: unknown): void => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  };

  it('of keepers, rank logs and save folders are read', async () => {
    const [workspace, scratch] = [join(root, 'ws'), join(root, 'h1')];
    const attempts = join(workspace, 'runs/r/attempts');
    const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    put(join(attempts, 'fence'), { v: 1, run: 'r', attempt: 2, lease: 1, at: at(0) });
    put(join(attempts, '0001/ckpt/iter_0000002/shard'), 'x');
    utimesSync(join(attempts, '0001/ckpt/iter_0000002/shard'), 0, Date.parse(at(5)) / 1_000);
    mkdirSync(join(attempts, '0002/load'), { recursive: true });
    symlinkSync(join(attempts, '0001/ckpt/iter_0000002'), join(attempts, '0002/load/iter_0000002'));
    for (const attempt of [1, 2]) {
      const dir = join(scratch, `keepers/r.train.h1.${attempt}`);
      const labels = { run: 'r', stage: 'train', host: 'h1' };
      const fence = { file: join(attempts, 'fence'), attempt, lease: 1, everyMs: 1, timeoutMs: 1 };
      const times = { startedAt: at(attempt * 10), endedAt: at(attempt * 10 + 9) };
      const id = `r.train.h1.${attempt}`;
      put(join(dir, 'request.json'), { v: 1, id, argv: ['x'], cwd: '/', labels, fence });
      const keeper = { pid: 1, startTicks: 1, bootId: 'b' };
      put(join(dir, 'keeper.json'), {
        ...{ v: 1, id, state: 'exited', keeper, child: null, sessions: [], socketPath: '/s' },
        ...{ startedAt: times.startedAt, lastContactAt: times.startedAt },
      });
      put(join(dir, 'exit.json'), {
        v: 1,
        id,
        code: 0,
        signal: null,
        ...times,
        stop: null,
        unkillable: [],
        spawnError: null,
      });
      const local = new Date(Date.parse(times.startedAt) + 3_000);
      const two = (value: number): string => String(value).padStart(2, '0');
      const day = `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`;
      const time = [local.getHours(), local.getMinutes(), local.getSeconds()].map(two).join(':');
      put(join(dir, 'rank-0001.out'), `noise\n [${day} ${time}] iteration        ${attempt}/       4 | loss: 1 |\n`);
    }
    const records = await readRecords({ workspace, runs: ['r'], scratch: new Map([['h1', scratch]]) });
    expect(records.keepers).toMatchObject([
      { id: 'r.train.h1.1', attempt: 1, startedMs: Date.parse(at(10)), endedMs: Date.parse(at(19)), reads: [] },
      { id: 'r.train.h1.2', attempt: 2, reads: [join(attempts, '0001/ckpt/iter_0000002')] },
    ]);
    expect(records.steps).toEqual([
      { run: 'r', attempt: 1, host: 'h1', iteration: 1, atMs: Date.parse(at(13)) },
      { run: 'r', attempt: 2, host: 'h1', iteration: 2, atMs: Date.parse(at(23)) },
    ]);
    expect(records.fences).toEqual([{ run: 'r', attempt: 2 }]);
    expect(findViolations(records, { slackMs: LOG_RESOLUTION_MS })).toMatchObject([{ kind: 'write-without-keeper' }]);
  });
});
