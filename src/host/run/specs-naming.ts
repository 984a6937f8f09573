import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import { parseDocument } from 'yaml';

/** Paths of the workspace that the spec of a run names, absolute. A text that goes on behind a path gives both readings. */
export async function pathsNamedBy(workspace: string, run: string): Promise<string[]> {
  const text = await readFile(join(workspace, 'runs', run, 'spec.yaml'), 'utf8').catch(nullIfMissing);
  if (text === null) return [];
  const root = `${workspace}/`;
  const paths = new Set<string>();
  for (const value of textsIn(parseDocument(text).toJS())) {
    for (let at = value.indexOf(root); at >= 0; at = value.indexOf(root, at + 1)) {
      const whole = value.slice(at);
      // The workspace's own name may hold any character; what follows it in a command ends at one of these.
      const [word = ''] = whole.slice(root.length).split(/[\s'",:{}[\]]/);
      for (const path of [whole, root + word]) paths.add(resolve(path));
    }
  }
  return [...paths];
}

/** Runs whose spec names a folder, or something in it. */
export async function specsNaming(workspace: string, dir: string): Promise<string[]> {
  const entries = await readdir(join(workspace, 'runs'), { withFileTypes: true }).catch(nullIfMissing);
  const runs: string[] = [];
  for (const entry of entries ?? []) {
    if (!entry.isDirectory()) continue;
    const named = await pathsNamedBy(workspace, entry.name);
    if (named.some((path) => path === dir || path.startsWith(`${dir}/`))) runs.push(entry.name);
  }
  return runs;
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
