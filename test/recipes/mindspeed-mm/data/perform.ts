import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowFiles } from '../../../../src/recipes/mindspeed-mm/data/sets.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import type { Facts, StageWork } from '../../../../src/recipes/recipe.js';
import { put } from '../../../host/data/support.js';
import { guideSpec } from '../training/support.js';

const TEMPER = fileURLToPath(new URL('../../../../bin/temper.js', import.meta.url));

/** What the data stage left, or what the command that failed said. */
export interface Performed {
  readonly work: StageWork;
  readonly out: string;
  readonly facts: Facts;
  readonly problems: readonly string[];
  readonly failed: string | null;
}

/** The data stage of a spec with these sets below a folder; two ranks take two rows a step. */
export function dataStage(root: string, data: readonly object[], over: object = {}): { work: StageWork; out: string } {
  const out = join(root, 'ws/store/data/out');
  mkdirSync(out, { recursive: true });
  const spec = guideSpec({ workspace: join(root, 'ws'), fleet: { hosts: 1, npusPerHost: 2 }, data, ...over });
  const tools = { python: 'python3', node: process.execPath, temper: TEMPER, programs: '/p', cpus: 2 };
  return { work: glm45v.work('data', { spec, tools, out, inputs: {} }), out };
}

/** Runs the commands of the stage as a host would, until one fails, and reads its facts. */
export function performData(root: string, data: readonly object[], over: object = {}): Performed {
  const { work, out } = dataStage(root, data, over);
  for (const { argv, cwd, env, step } of work.commands) {
    const [program = '', ...words] = argv;
    const done = spawnSync(program, words, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
    if (done.status === 0) continue;
    return { work, out, facts: {}, problems: [], failed: `${step}: ${done.stdout}${done.stderr}` };
  }
  const files = (work.factFiles ?? []).map((file): unknown => JSON.parse(readFileSync(join(out, file), 'utf8')));
  const { facts, problems } = work.facts?.(files) ?? { facts: {}, problems: [] };
  return { work, out, facts, problems: problems.map(({ what }) => what), failed: null };
}

/** One row as the trainer reads it. */
export interface LoadedRow {
  readonly images: readonly string[];
  readonly text: string;
  readonly columns: string;
}

/**
 * Loads rows as upstream's loader does: file by file, images joined to its one folder where a file is there, and taken
 * as they are else, which is from a working directory that has none of them.
 */
export function load({ work }: Performed): readonly LoadedRow[] {
  const root = work.outputs['imageRoot'] ?? '';
  return rowFiles(work.outputs).flatMap((file) => {
    // Safe: the file was checked before.
    const rows = JSON.parse(readFileSync(file, 'utf8')) as { images: string[]; messages: { content: string }[] }[];
    return rows.map((row) => ({
      images: row.images.map((name) => resolve(root, name)),
      text: row.messages.map(({ content }) => content).join('|'),
      columns: Object.keys(row).toSorted().join(),
    }));
  });
}

function resolve(root: string, name: string): string {
  const joined = isAbsolute(name) ? name : join(root, name);
  return existsSync(joined) && statSync(joined).isFile() ? joined : `not found: ${name}`;
}

/** Writes rows and answers their path. */
export function rowsFile(root: string, name: string, rows: readonly object[]): string {
  return put(root, name, JSON.stringify(rows));
}
