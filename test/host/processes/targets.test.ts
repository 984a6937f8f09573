import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessInfo } from '../../../src/host/processes/proc.js';
import { selectTargets } from '../../../src/host/processes/targets.js';
import type { TargetRule } from '../../../src/host/processes/targets.js';

const NONE: TargetRule = { marked: new Set(), known: new Map(), sessions: new Map(), excluded: new Set() };

function one(pid: number, ppid: number, session: number, over: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, ppid, session, state: 'S', startTicks: pid * 10, isAlive: true, ...over };
}

function pids(processes: readonly ProcessInfo[]): readonly number[] {
  return processes.map((found) => found.pid);
}

describe('selectTargets', () => {
  it('follows children, sessions, and children of sessions', () => {
    const host = [one(1, 0, 1), one(10, 1, 10), one(11, 10, 10), one(12, 1, 10), one(13, 12, 13), one(20, 1, 20)];
    expect(pids(selectTargets(host, { ...NONE, marked: new Set([11]) }))).toEqual([10, 11, 12, 13]);
  });

  it('takes the orphans of a session whose leader is a zombie', () => {
    const host = [one(10, 1, 10), one(11, 10, 11, { isAlive: false, state: 'Z' }), one(12, 1, 11)];
    expect(pids(selectTargets(host, { ...NONE, known: new Map([[10, 100]]) }))).toEqual([10, 11, 12]);
  });

  it('does not take a known pid with another start time, nor a session number used again', () => {
    const host = [one(10, 1, 10), one(11, 10, 10)];
    expect(selectTargets(host, { ...NONE, known: new Map([[10, 99]]) })).toEqual([]);
    expect(selectTargets(host, { ...NONE, sessions: new Map([[10, 99]]) })).toEqual([]);
    expect(pids(selectTargets(host, { ...NONE, sessions: new Map([[10, 100]]) }))).toEqual([10, 11]);
  });

  it('takes a recorded session whose leader is gone', () => {
    const host = [one(11, 1, 10)];
    expect(pids(selectTargets(host, { ...NONE, sessions: new Map([[10, 100]]) }))).toEqual([11]);
  });

  it('never takes the sweeper, init, or the sessions of either', () => {
    const host = [one(1, 0, 1), one(5, 1, 5), one(6, 5, 5), one(7, 5, 5), one(8, 1, 1), one(9, 1, 0), one(30, 1, 0)];
    const rule = { ...NONE, marked: new Set([1, 5, 6, 7, 8, 9]), excluded: new Set([6, 5, 1]) };
    expect(pids(selectTargets(host, rule))).toEqual([7, 8, 9]);
  });

  const host = fc
    .uniqueArray(fc.integer({ min: 2, max: 40 }), { minLength: 1, maxLength: 25 })
    .chain((ids) =>
      fc.tuple(
        ...ids.map((pid) =>
          fc.record({
            pid: fc.constant(pid),
            ppid: fc.constantFrom(1, ...ids),
            session: fc.constantFrom(0, pid, ...ids),
            isAlive: fc.boolean(),
          }),
        ),
      ),
    )
    .map((rows) => [one(1, 0, 1), ...rows.map((row) => one(row.pid, row.ppid, row.session, { isAlive: row.isAlive }))]);
  const set = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 4 });
  const rule = fc
    .record({ marked: set, excluded: set, known: set, sessions: set, staleKnown: set })
    .map((parts): TargetRule => ({
      marked: new Set(parts.marked),
      excluded: new Set(parts.excluded),
      known: new Map([
        ...parts.known.map((pid): [number, number] => [pid, pid * 10]),
        ...parts.staleKnown.map((pid): [number, number] => [pid, pid * 10 - 1]),
      ]),
      sessions: new Map(parts.sessions.map((session): [number, number] => [session, session * 10])),
    }));

  it('property: is closed, has a reason for each member, spares the excluded, and ignores order', () => {
    fc.assert(
      fc.property(host, rule, (processes, given) => {
        const found = new Set(pids(selectTargets(processes, given)));
        const spared = new Set([1, ...given.excluded]);
        const foreign = new Set([0, ...processes.filter((p) => spared.has(p.pid)).map((p) => p.session)]);
        const isSeed = (p: ProcessInfo): boolean =>
          given.marked.has(p.pid) ||
          given.known.get(p.pid) === p.startTicks ||
          (!foreign.has(p.session) && given.sessions.has(p.session));
        const members = processes.filter((p) => found.has(p.pid));
        const reaches = (from: readonly ProcessInfo[]): ReadonlySet<number> => {
          const next = processes.filter(
            (p) =>
              !spared.has(p.pid) &&
              from.some(
                (q) => q.pid === p.pid || q.pid === p.ppid || (q.session === p.session && !foreign.has(p.session)),
              ),
          );
          return next.length === from.length ? new Set(pids(from)) : reaches(next);
        };
        // The naive fixed point, computed from the seeds, is exactly the answer.
        expect(found).toEqual(reaches(processes.filter((p) => !spared.has(p.pid) && isSeed(p))));
        for (const p of members) expect(spared.has(p.pid)).toBe(false);
        expect(new Set(pids(selectTargets(processes.toReversed(), given)))).toEqual(found);
      }),
      { numRuns: 1_000 },
    );
  });
});
