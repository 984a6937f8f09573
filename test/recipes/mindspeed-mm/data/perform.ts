import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowFiles } from '../../../../src/recipes/mindspeed-mm/data/sets.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import type { Facts, StageWork } from '../../../../src/recipes/recipe.js';
import type { PipelineSpec } from '../../../../src/schemas/spec.js';
import { put } from '../../../host/data/support.js';
import { guideSpec } from '../training/support.js';

const TEMPER = fileURLToPath(new URL('../../../../bin/temper.js', import.meta.url));

/** What the stages data and check left, or what the command that failed said. */
export interface Performed extends DataStages {
  readonly facts: Facts;
  readonly problems: readonly string[];
  readonly failed: string | null;
}

/** Both stages of the data, and where the first one writes. */
export interface DataStages {
  readonly spec: PipelineSpec;
  readonly work: StageWork;
  readonly out: string;
  readonly check: StageWork;
  readonly checkOut: string;
}

/** The data stages of a spec with these sets below a folder; two ranks take two rows a step. */
export function dataStage(root: string, data: readonly object[], over: object = {}): DataStages {
  const [out, checkOut] = [join(root, 'ws/store/data/out'), join(root, 'ws/store/check/out')];
  for (const dir of [out, checkOut]) mkdirSync(dir, { recursive: true });
  const spec = guideSpec({ workspace: join(root, 'ws'), fleet: { hosts: 1, npusPerHost: 2 }, data, ...over });
  const tools = { python: 'python3', node: process.execPath, temper: TEMPER, programs: '/p', cpus: 2 };
  const work = glm45v.work('data', { spec, tools, out, inputs: {} });
  const inputs = { data: { dir: out, outputs: work.outputs, facts: {} } };
  return { spec, work, out, check: glm45v.work('check', { spec, tools, out: checkOut, inputs }), checkOut };
}

/** Runs the commands of both stages as a host would, until one fails, and reads their facts. */
export function performData(root: string, data: readonly object[], over: object = {}): Performed {
  const stages = dataStage(root, data, over);
  const { work, out, check, checkOut } = stages;
  for (const { argv, cwd, env, step } of [...work.commands, ...check.commands]) {
    const [program = '', ...words] = argv;
    const done = spawnSync(program, words, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
    if (done.status === 0) continue;
    return { ...stages, facts: {}, problems: [], failed: `${step}: ${done.stdout}${done.stderr}` };
  }
  const [made, judged] = [read(work, out), read(check, checkOut)];
  const problems = [...made.problems, ...judged.problems].map(({ what }) => what);
  return { ...stages, facts: { ...made.facts, ...judged.facts }, problems, failed: null };
}

function read(work: StageWork, out: string): ReturnType<NonNullable<StageWork['facts']>> {
  const files = (work.factFiles ?? []).map((file): unknown => JSON.parse(readFileSync(join(out, file), 'utf8')));
  return work.facts?.(files) ?? { facts: {}, problems: [] };
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
export function load({ spec, work }: Performed): readonly LoadedRow[] {
  const root = work.outputs['imageRoot'] ?? '';
  return rowFiles(spec, work.outputs).flatMap((file) => {
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
