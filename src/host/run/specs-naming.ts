import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import { parseDocument } from 'yaml';
import { textsIn } from '../../domain/text/texts-in.js';
import { workspacePath } from './workspace-path.js';

/** Paths of the workspace that the spec of a run names, absolute. A text that goes on behind a path gives both readings. */
export async function pathsNamedBy(workspace: string, run: string): Promise<string[]> {
  const text = await readFile(join(workspace, 'runs', run, 'spec.yaml'), 'utf8').catch(nullIfMissing);
  return text === null ? [] : pathsIn(workspace, textsIn(parseDocument(text).toJS()));
}

/** The same of any texts. */
export async function pathsIn(workspace: string, texts: readonly string[]): Promise<string[]> {
  const root = `${workspace}/`;
  const paths = new Set<string>();
  for (const value of texts) {
    for (let at = value.indexOf(root); at >= 0; at = value.indexOf(root, at + 1)) {
      const whole = value.slice(at);
      // The workspace's own name may hold any character; what follows it in a command ends at one of these.
      const [word = ''] = whole.slice(root.length).split(WORD_END);
      for (const path of [whole, root + word]) paths.add(resolve(path));
    }
    // By another name of the workspace, such as the place that a link to it shows.
    for (const { index } of value.matchAll(PATH_START)) {
      const whole = value.slice(index);
      for (const path of [whole, whole.split(WORD_END)[0] ?? '']) {
        const place = await workspacePath(workspace, path);
        if (place !== '' && !place.startsWith('..')) paths.add(join(workspace, place));
      }
    }
  }
  return [...paths];
}

const PATH_START = /(?<![^\s'",:=[{(])\/(?!\/)/g;
const WORD_END = /[\s'",:{}[\]]/;
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
