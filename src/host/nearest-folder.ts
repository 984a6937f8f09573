import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The folder itself, or the nearest one above it that exists: where a new folder would be made. */
export async function nearestFolder(path: string): Promise<string> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() === true || dirname(path) === path) return path;
  return nearestFolder(dirname(path));
}
