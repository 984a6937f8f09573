import { readFile, statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { diskShortage, ramShortage } from '../domain/text/shortage.js';
import type { Resources } from '../schemas/plan.js';
import { controlGroups, numberIn, textOf, type ControlGroup } from './cgroups.js';
import { nearestFolder } from './nearest-folder.js';

/** Free bytes of the file system that holds `dir`, as an ordinary user may use them. */
export async function freeDiskBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Memory that can be had without swapping, counting what caches would give back: of the machine (MemAvailable), or less
 * where a container's limit ends it before.
 */
export async function availableRamBytes(root = '/'): Promise<number> {
  const text = await readFile(join(root, 'proc/meminfo'), 'utf8').catch(() => '');
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  const ofMachine = kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
  return Math.min(ofMachine, ...controlGroups('memory', root).map(freeInGroup));
}

/** Names of a group's files, by the version of cgroups. */
const GROUP_FILES = {
  1: { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes', cached: /^total_(?:in)?active_file (\d+)$/gm },
  2: { limit: 'memory.max', used: 'memory.current', cached: /^(?:in)?active_file (\d+)$/gm },
} as const;

/** What a group may still take; files that it has cached are given back before anything ends for want of memory. */
function freeInGroup({ folder, version }: ControlGroup): number {
  const { limit, used, cached } = GROUP_FILES[version];
  const [most, taken] = [limit, used].map((name) => numberIn(textOf(join(folder, name))));
  if (typeof most !== 'number' || typeof taken !== 'number') return Infinity;
  const stat = textOf(join(folder, 'memory.stat'));
  const reclaimable = [...stat.matchAll(cached)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  return Math.max(0, most - taken + Math.min(reclaimable, taken));
}

/** Fails before a stage begins when the host cannot hold what it will write or load. */
export async function assertResources(workspace: string, { diskBytes, ramBytes }: Resources): Promise<void> {
  await assertDisk(workspace, diskBytes);
  const shortage = ramShortage({ freeBytes: await availableRamBytes(), neededBytes: ramBytes });
  if (shortage !== null) throw shortage;
}

/** Fails when the file system of a folder, there or not yet, cannot hold so much more; `purpose` as in `Room`. */
export async function assertDisk(path: string, neededBytes: number, purpose?: string): Promise<void> {
  const where = await nearestFolder(path);
  const room = { freeBytes: await freeDiskBytes(where), neededBytes, ...(purpose === undefined ? {} : { purpose }) };
  const shortage = diskShortage(where, room);
  if (shortage !== null) throw shortage;
}
