import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Runs whose spec names a path. */
export async function specsNaming(workspace: string, path: string): Promise<string[]> {
  const runs: string[] = [];
  for (const run of await readdir(join(workspace, 'runs')).catch(() => [])) {
    const text = await readFile(join(workspace, 'runs', run, 'spec.yaml'), 'utf8').catch(() => '');
    if (text.includes(path)) runs.push(run);
  }
  return runs;
}
