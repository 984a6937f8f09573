import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TaskLimit } from '../../domain/preflight/look.js';

/** The smallest limit of processes and threads that this worker's commands meet; null when there is none. */
export function lookAtTaskLimit(isRoot = process.getuid?.() === 0): TaskLimit | null {
  // Root may start as many as it likes, whatever its limit says (getrlimit(2)).
  const ofUser = isRoot ? null : numberIn(/^Max processes\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1]);
  const found: TaskLimit[] = [
    ...(ofUser === null ? [] : [{ most: ofUser, by: 'user' as const }]),
    ...groupLimits(textOf('/proc/self/cgroup')).map((most) => ({ most, by: 'cgroup' as const })),
  ];
  return found.toSorted((a, b) => a.most - b.most)[0] ?? null;
}

/** `pids.max` of the group of this process and of those above it, in both versions of cgroups (cgroups(7)). */
function groupLimits(memberships: string): number[] {
  return memberships.split('\n').flatMap((line) => {
    const [, id, controllers = '', path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (id === '0') return limitsFrom('/sys/fs/cgroup', path);
    return controllers.split(',').includes('pids') ? limitsFrom('/sys/fs/cgroup/pids', path) : [];
  });
}

function limitsFrom(root: string, path: string): number[] {
  const here = numberIn(/^\d+/.exec(textOf(join(root, path, 'pids.max')))?.[0]);
  const above = path === '/' ? [] : limitsFrom(root, dirname(path));
  return here === null ? above : [here, ...above];
}

function numberIn(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** Empty where it cannot be read: a limit that nobody can see is judged by nobody. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
