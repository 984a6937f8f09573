import { join } from 'node:path';
import type { TaskLimit } from '../../domain/preflight/look.js';
import { controlGroups, numberIn, textOf } from '../cgroups.js';

/** The smallest limit of processes and threads that this worker's commands meet; null when there is none. */
export function lookAtTaskLimit(isRoot = process.getuid?.() === 0): TaskLimit | null {
  // Root may start as many as it likes, whatever its limit says (getrlimit(2)).
  const ofUser = isRoot ? null : numberIn(/^Max processes\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1]);
  const ofGroups = controlGroups('pids').map(({ folder }) => numberIn(textOf(join(folder, 'pids.max'))));
  const found: TaskLimit[] = [
    ...(ofUser === null ? [] : [{ most: ofUser, by: 'user' as const }]),
    ...ofGroups.flatMap((most) => (most === null ? [] : [{ most, by: 'cgroup' as const }])),
  ];
  return found.toSorted((a, b) => a.most - b.most)[0] ?? null;
}
