import { stat } from 'node:fs/promises';

/** When a file last grew, RFC 3339; null when it is missing or empty. */
export async function grownAt(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  return found === null || found.size === 0 ? null : found.mtime.toISOString();
}
