import { realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { nullIfMissing } from '../system-error.js';

/**
 * Where the files of a promoted model lie that a path below `models/` shows by links, as an absolute path; other paths
 * stay as they are. `current` shows another model after the next promotion, and a version goes when it is given up.
 */
export async function modelPlace(workspace: string, path: string): Promise<string> {
  if (!path.startsWith(`${join(workspace, 'models')}/`)) return path;
  const place = await realpath(path).catch(nullIfMissing);
  return place === null ? path : join(workspace, relative(await realpath(workspace), place));
}
