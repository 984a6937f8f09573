import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { TemperError } from '../../../src/domain/errors.js';
import { runChecks } from '../../../src/host/checks.js';
import { readFactFiles } from '../../../src/host/fact-files.js';
import { writeFiles } from '../../../src/host/write-files.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import type { HostTools, ProducedStage, StageFacts, StageOutput } from '../../../src/recipes/recipe.js';
import { PipelineSpecSchema, type PipelineSpec } from '../../../src/schemas/spec.js';
import { makeFleet, type Fleet } from '../../support/ascend/make-fleet.mjs';
import { expectNoLeftovers, killUsers } from '../../support/sweep.js';

const ROOT = resolve(import.meta.dirname, '../../..');

export const HOSTS = 2;
export const NPUS = 2;

/** The fake fleet's programs on this machine, without a server: stages and trainings as a host would run them. */
export interface FakeSite {
  readonly root: string;
  readonly fleet: Fleet;
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  /** Variables of the worker that a host's commands inherit. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** What goes wrong from now on. */
  faults(...faults: readonly object[]): void;
  /** Fails when a process is left, and removes everything. */
  remove(): Promise<void>;
}

/** Makes a site of two hosts with two devices each. The packages are unpacked, not installed: that is another test's. */
export async function openFakeSite(): Promise<FakeSite> {
  const root = mkdtempSync(join(tmpdir(), 'temper-ascend-'));
  const fleet = await makeFleet(root, { hosts: HOSTS, npusPerHost: NPUS, iterations: 6, every: 3 });
  const checkout = join(root, 'work/MindSpeed-MM');
  const packages = join(root, 'packages');
  const python = fleet.spec.match(/basePython: (\S+)/)?.[1] ?? '';
  mkdirSync(join(root, 'bin'));
  symlinkSync(python, join(root, 'bin/python'));
  for (const wheel of readdirSync(join(root, 'wheels')).filter((name) => /^torch(_npu)?-2\.7\.1/.test(name)))
    execFileSync(python, ['-m', 'zipfile', '-e', join(root, 'wheels', wheel), packages]);
  const converter = `#!${join(root, 'bin/python')}\nfrom checkpoint.convert_cli import main\nmain()\n`;
  writeFileSync(join(root, 'bin/mm-convert'), converter, { mode: 0o755 });
  const given = parse(fleet.spec) as Readonly<Record<string, unknown>>;
  const environment = {
    python: join(root, 'bin/python'),
    checkouts: { mindspeedMm: checkout },
    toolkitRoot: join(root, 'Ascend'),
  };
  return {
    root,
    fleet,
    spec: PipelineSpecSchema.parse({ ...given, environment }),
    tools: {
      python: join(root, 'bin/python'),
      node: process.execPath,
      temper: join(ROOT, 'bin/temper.js'),
      programs: join(ROOT, 'src/recipes/mindspeed-mm/programs'),
      cpus: 2,
    },
    env: {
      ...{ ...process.env, ...fleet.env, PYTHONPATH: `${packages}:${checkout}`, PYTHONDONTWRITEBYTECODE: '1' },
      FAKE_ASCEND_STEP_MS: '1',
    },
    faults: (...faults) => writeFileSync(fleet.faultsFile, JSON.stringify({ v: 1, faults })),
    remove: async () => {
      try {
        await expectNoLeftovers(root);
      } finally {
        await killUsers(root);
        rmSync(root, { recursive: true, force: true });
      }
    },
  };
}

/** What a stage left, or why it failed. */
export interface Performed {
  readonly output: StageOutput;
  readonly failed: string | null;
}

let outputs = 0;

/** Runs the commands and proofs of a stage as a host does, up to the first that fails. */
export async function perform(
  site: FakeSite,
  stage: ProducedStage,
  inputs: StageFacts['inputs'] = {},
  spec: PipelineSpec = site.spec,
  into?: string,
): Promise<Performed> {
  outputs += 1;
  const out = into ?? join(site.root, 'out', `${stage}-${outputs}`);
  mkdirSync(out, { recursive: true });
  const work = glm45v.work(stage, { spec, tools: site.tools, out, inputs });
  const absolute = Object.entries(work.outputs).map(([name, path]) => [
    name,
    isAbsolute(path) ? path : join(out, path),
  ]);
  const left = (failed: string | null, facts: StageOutput['facts'] = {}): Performed => ({
    output: { dir: out, outputs: Object.fromEntries(absolute) as Record<string, string>, facts },
    failed,
  });
  await writeFiles(work.files);
  for (const { argv, cwd, env, step } of work.commands) {
    const [program = '', ...words] = argv;
    const done = spawnSync(program, words, { cwd, env: { ...site.env, ...env }, encoding: 'utf8' });
    if (done.status !== 0)
      return left(`${step} ended with ${done.status ?? done.signal}: ${done.stdout}${done.stderr}`);
  }
  try {
    await runChecks(work.checks, glm45v);
  } catch (error) {
    if (error instanceof TemperError) return left(`${error.problem.what} ${(error.problem.evidence ?? []).join('; ')}`);
    throw error;
  }
  const { facts, problems } = work.facts?.(await readFactFiles(out, work.factFiles ?? [])) ?? {
    facts: {},
    problems: [],
  };
  return left(problems.length === 0 ? null : problems.map(({ what }) => what).join('; '), facts);
}
