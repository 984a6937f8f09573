import type { ProcessInfo } from './proc.js';

/** What makes a process belong to a command. */
export interface TargetRule {
  /** Pids whose environment carries the command's marker. */
  readonly marked: ReadonlySet<number>;
  /** Processes seen to belong earlier: pid -> start ticks. */
  readonly known: ReadonlyMap<number, number>;
  /** Sessions seen to belong earlier: session id -> start ticks of the leader, null when it was gone already. */
  readonly sessions: ReadonlyMap<number, number | null>;
  /** Pids never to be touched (the sweeper and its ancestors); their sessions belong to nobody's command. */
  readonly excluded: ReadonlySet<number>;
}

/**
 * Computes which processes belong to a command: marked, known, in one of its sessions, or a descendant of such.
 *
 * Every process of the command lives in a session that the command made (the keeper starts it with setsid), so the
 * session of one member belongs to it as a whole. Zombies take part, because a dead leader still names its session,
 * and are returned: the caller filters on `isAlive`. Pure; the order of the snapshot does not matter.
 */
export function selectTargets(snapshot: readonly ProcessInfo[], rule: TargetRule): readonly ProcessInfo[] {
  const candidates = snapshot.filter((one) => !rule.excluded.has(one.pid) && one.pid !== 1);
  const foreignSessions = new Set(
    snapshot.filter((one) => rule.excluded.has(one.pid) || one.pid === 1).map((one) => one.session),
  );
  // Session 0 collects what was started outside any session visible in this pid namespace.
  foreignSessions.add(0);

  const startTicks = new Map(snapshot.map((one) => [one.pid, one.startTicks]));
  const children = groupBy(candidates, (one) => one.ppid);
  const members = groupBy(candidates, (one) => one.session);
  const selected = new Map<number, ProcessInfo>();
  const pending: ProcessInfo[] = [];
  const take = (some: readonly ProcessInfo[]): void => {
    for (const one of some) {
      if (selected.has(one.pid)) continue;
      selected.set(one.pid, one);
      pending.push(one);
    }
  };

  take(candidates.filter((one) => rule.marked.has(one.pid) || rule.known.get(one.pid) === one.startTicks));
  for (const [session, leaderTicks] of rule.sessions) {
    const leaderNow = startTicks.get(session);
    // A leader with another start time: the number was reused by a stranger's session.
    const isReused = leaderNow !== undefined && leaderNow !== leaderTicks;
    if (!isReused && !foreignSessions.has(session)) take(members.get(session) ?? []);
  }
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    take(children.get(next.pid) ?? []);
    if (!foreignSessions.has(next.session)) take(members.get(next.session) ?? []);
  }
  return snapshot.filter((one) => selected.has(one.pid));
}

function groupBy(
  processes: readonly ProcessInfo[],
  key: (one: ProcessInfo) => number,
): ReadonlyMap<number, readonly ProcessInfo[]> {
  const groups = new Map<number, ProcessInfo[]>();
  for (const one of processes) {
    const group = groups.get(key(one));
    if (group === undefined) groups.set(key(one), [one]);
    else group.push(one);
  }
  return groups;
}
