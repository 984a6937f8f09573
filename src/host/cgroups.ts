import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A control group of this process: its folder, and which version of cgroups its files are of. */
export interface ControlGroup {
  readonly folder: string;
  readonly version: 1 | 2;
}

/**
 * The groups of this process that a controller limits it by, and those above them, in both versions of cgroups
 * (cgroups(7)). In a container the folders that only its host sees are among them; nothing can be read there.
 */
export function controlGroups(controller: 'memory' | 'pids', root = '/'): readonly ControlGroup[] {
  const mount = join(root, 'sys/fs/cgroup');
  return textOf(join(root, 'proc/self/cgroup'))
    .split('\n')
    .flatMap((line): ControlGroup[] => {
      const [, id, controllers = '', path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      if (id === '0') return upFrom(path).map((inner) => ({ folder: join(mount, inner), version: 2 }));
      if (!controllers.split(',').includes(controller)) return [];
      return upFrom(path).map((inner) => ({ folder: join(mount, controller, inner), version: 1 }));
    });
}

function upFrom(path: string): readonly string[] {
  return path === '/' ? [path] : [path, ...upFrom(dirname(path))];
}

/** A whole number that a text begins with; null for `max` and for what is no number. */
export function numberIn(text: string | undefined): number | null {
  const digits = /^\d+/.exec(text ?? '')?.[0];
  return digits === undefined ? null : Number(digits);
}

/** Empty where it cannot be read: a limit that nobody can see is judged by nobody. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
