import { readFile, statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { TemperError } from '../domain/errors.js';
import type { Resources } from '../schemas/plan.js';

/** Free bytes of the file system that holds `dir`, as an ordinary user may use them. */
export async function freeDiskBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Memory that can be had without swapping (MemAvailable counts what caches would give back). */
export async function availableRamBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

/** Fails before a stage begins when the host cannot hold what it will write or load. */
export async function assertResources(workspace: string, { diskBytes, ramBytes }: Resources): Promise<void> {
  await assertDisk(workspace, diskBytes);
  const ram = await availableRamBytes();
  if (ram < ramBytes) {
    throw new TemperError('RamTooSmall', {
      what: `${megabytes(ram)} of memory are available, ${megabytes(ramBytes)} are needed`,
    });
  }
}

/** Fails when a folder's file system cannot hold so much more; `purpose` says what for. */
export async function assertDisk(dir: string, neededBytes: number, purpose?: string): Promise<void> {
  const free = await freeDiskBytes(dir);
  if (free >= neededBytes) return;
  throw new TemperError('DiskTooSmall', {
    where: dir,
    what: `${megabytes(free)} are free, ${megabytes(neededBytes)} are needed${purpose === undefined ? '' : ` for ${purpose}`}`,
  });
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}
