import type { ProcessKey } from './identity.js';
import { hasEnvironmentEntry, listProcesses } from './proc.js';
import type { ProcessInfo } from './proc.js';
import { selectTargets } from './targets.js';

/** What one look at the host found. */
export interface Scan {
  /** Living processes of the command. */
  readonly targets: readonly ProcessInfo[];
  /** How many young processes could not be judged now, see `markedPids`. */
  readonly unjudged: number;
}

/** Finds the processes of one command, and remembers them so that they stay found when parents or markers vanish. */
export interface ProcessTracker {
  scan(): Scan;
  /** Leaders of the command's sessions that live now: enough for another process to take over after a crash. */
  sessionLeaders(): readonly ProcessKey[];
}

/** How the processes of a command are recognised. */
export interface TrackerOptions {
  /** Environment entry "NAME=value" that every process of the command inherits. */
  readonly marker: string;
  /** Processes known to belong. */
  readonly roots: readonly ProcessKey[];
  /** Nothing older than this belongs, in clock ticks since boot; spares reading the environment of a whole host. */
  readonly sinceTicks?: number;
  /** Replaces the look at `/proc`, in tests. */
  readonly list?: () => readonly ProcessInfo[];
}

/** Starts tracking. The calling process and its ancestors are never part of what is found. */
export function createTracker(options: TrackerOptions): ProcessTracker {
  const { marker, roots, sinceTicks = 0, list = listProcesses } = options;
  let known = new Map(roots.map((root) => [root.pid, root.startTicks]));
  let sessions = new Map<number, number | null>();
  let leaders: readonly ProcessKey[] = [];

  return {
    scan() {
      const snapshot = list();
      const { marked, unjudged } = markedPids(snapshot, marker, sinceTicks, known);
      const found = selectTargets(snapshot, { marked, known, sessions, excluded: ownAncestry(snapshot) });
      const ticks = new Map(found.map((one) => [one.pid, one.startTicks]));
      known = ticks;
      // Forgetting a session as soon as it is empty keeps its number from matching a stranger later.
      const previous = sessions;
      sessions = new Map(
        found.map((one) => [one.session, ticks.get(one.session) ?? previous.get(one.session) ?? null]),
      );
      leaders = found
        .filter((one) => one.isAlive && one.pid === one.session)
        .map(({ pid, startTicks }) => ({ pid, startTicks }));
      return { targets: found.filter((one) => one.isAlive), unjudged };
    },
    sessionLeaders: () => leaders,
  };
}

/**
 * Reads environments, but never of a process in state D: that read takes a lock of its memory map, which a process
 * hung on a dead file system or device may hold for ever. Such a process is found by ancestry, by session, or
 * because an earlier scan met it; otherwise it counts as unjudged.
 */
function markedPids(
  snapshot: readonly ProcessInfo[],
  marker: string,
  sinceTicks: number,
  known: ReadonlyMap<number, number>,
): { readonly marked: ReadonlySet<number>; readonly unjudged: number } {
  const young = snapshot.filter(
    (one) => one.isAlive && one.startTicks >= sinceTicks && known.get(one.pid) !== one.startTicks,
  );
  const readable = young.filter((one) => one.state !== 'D');
  const marked = readable.filter((one) => hasEnvironmentEntry(one.pid, marker)).map((one) => one.pid);
  return { marked: new Set(marked), unjudged: young.length - readable.length };
}

/** Looked up anew each time: the pid of a parent that ended may by now belong to a process of the command. */
function ownAncestry(snapshot: readonly ProcessInfo[]): ReadonlySet<number> {
  const parents = new Map(snapshot.map((one) => [one.pid, one.ppid]));
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !pids.has(pid); pid = parents.get(pid) ?? 0) pids.add(pid);
  return pids;
}
