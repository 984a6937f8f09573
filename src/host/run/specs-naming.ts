import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of the workspace that the spec of a run names, absolute. */
export async function pathsNamedBy(workspace: string, run: string): Promise<string[]> {
  const text = await readFile(join(workspace, 'runs', run, 'spec.yaml'), 'utf8').catch(() => '');
  return text.split(/[\s'",:{}[\]]+/).filter((word) => word.startsWith(`${workspace}/`));
}

/** Runs whose spec names a path. */
export async function specsNaming(workspace: string, path: string): Promise<string[]> {
  const runs: string[] = [];
  for (const run of await readdir(join(workspace, 'runs')).catch(() => [])) {
    const text = await readFile(join(workspace, 'runs', run, 'spec.yaml'), 'utf8').catch(() => '');
    if (text.includes(path)) runs.push(run);
  }
  return runs;
}
