import { realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Where a path lies, relative to the workspace; what is outside begins with `..`. The workspace may have several names:
 * a link, or the place that it shows.
 */
export async function workspacePath(workspace: string, path: string): Promise<string> {
  const named = relative(workspace, resolve(workspace, path));
  return named.startsWith('..') ? relative(await realPlace(workspace), await realPlace(path)) : named;
}

/** What is not there, such as the pattern of a glob, lies below the first folder that is. */
async function realPlace(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => null);
    if (real !== null || at === dirname(at)) return join(real ?? at, relative(at, path));
  }
}
