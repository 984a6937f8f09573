import { lstat, readdir } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import type { SharedFile, Size } from '../../domain/text/sizes.js';

/** What a folder or file takes, and its newest time; links are not followed. */
export async function measure(path: string): Promise<Size & { readonly touchedMs: number }> {
  const linked = new Map<string, SharedFile>();
  const { bytes, touchedMs } = await walk(path, linked);
  const files = [...linked.values()];
  const own = files.filter(({ links, names }) => names === links);
  return {
    bytes: own.reduce((sum, file) => sum + file.bytes, bytes),
    shared: files.filter((file) => !own.includes(file)),
    touchedMs,
  };
}

/** What is the same for all names of a file. */
export function fileId({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev} ${ino}`;
}

async function walk(path: string, linked: Map<string, SharedFile>): Promise<{ bytes: number; touchedMs: number }> {
  const info = await lstat(path).catch(() => null);
  if (info === null) return { bytes: 0, touchedMs: 0 };
  const isLinked = info.isFile() && info.nlink > 1;
  if (isLinked) {
    const id = fileId(info);
    linked.set(id, { id, bytes: info.size, links: info.nlink, names: (linked.get(id)?.names ?? 0) + 1 });
  }
  let bytes = info.isFile() && !isLinked ? info.size : 0;
  // A link is made anew when an output is noted again, which is no work.
  let touchedMs = info.isSymbolicLink() ? 0 : info.mtimeMs;
  if (info.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) {
      const inner = await walk(join(path, name), linked);
      bytes += inner.bytes;
      touchedMs = Math.max(touchedMs, inner.touchedMs);
    }
  }
  return { bytes, touchedMs };
}
