import { chmod, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ConnectFlags } from '../../client/connect.js';
import { readConfig } from '../../config.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { judgeTwins } from '../../domain/preflight/judge-fleet.js';
import { absoluteSpecText } from '../../domain/spec/edit-spec.js';
import { readStoredSpec } from '../../domain/spec/read-spec.js';
import { makeFolder } from '../../host/make-folder.js';
import { checkpointFolder } from '../../host/run/attempts.js';
import { planFromText } from '../../recipes/plan-from-text.js';
import { findRecipe } from '../../recipes/registry.js';
import type { HostTools, Recipe } from '../../recipes/recipe.js';
import { renderRun, type RenderedFile, type RenderFacts, type RenderHost } from '../../recipes/render/render-run.js';
import { StageNameSchema, type StageName } from '../../schemas/plan.js';
import type { RenderAnswer } from '../../schemas/render.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { withRuns } from '../context.js';
import type { CommandContext } from '../context.js';
import { findRun } from '../find-run.js';
import { runName } from '../run-name.js';
import { isSpecFile, readSpecFile, tellSpecProblems } from '../spec-file.js';

/** Options of `temper render`. */
export interface RenderFlags extends ConnectFlags {
  readonly output: string;
  /** `NAME=ADDRESS` or `NAME=ADDRESS,INTERFACE`, in the order of node ranks. */
  readonly host?: readonly string[];
  readonly python?: string;
  readonly scratch?: string;
  readonly resume?: boolean;
  /** Of a run: scripts from this stage on, although it is done. */
  readonly from?: StageName;
}

/** Host-local folder where neither spec nor host names one. */
const SCRATCH = '/local/temper';

/** `temper render SPEC|RUN --output DIR`: scripts that do by hand what Temper would do. */
export async function render(context: CommandContext, what: string, flags: RenderFlags): Promise<ExitStatus> {
  const { io, output } = context;
  const isFile = await isSpecFile(what, io.cwd);
  if (isFile && flags.from !== undefined)
    throw new TemperError('UsageInvalid', {
      where: '--from',
      what: `${what} is a spec file, of which no stage is done`,
      fix: 'leave --from out, or name a run',
    });
  const files = isFile ? await fromSpec(context, what, flags) : await fromRun(context, what, flags);
  if (files === null) return EXIT.usage;
  const dir = resolve(io.cwd, flags.output);
  if (files.length === 0) {
    output.result(
      { v: 1, dir, files },
      () => `nothing is left of ${what}: every stage is done, and no script was written; --from STAGE writes them`,
    );
    return EXIT.ok;
  }
  await writeAll(dir, files);
  const names = files.map(({ path }) => path);
  output.result(
    { v: 1, dir, files: names },
    () => `wrote ${names.length} files to ${flags.output}; README.md says in which order they run`,
  );
  if (files.some(({ path }) => path.endsWith('-train-host-00.sh')))
    output.note('the hosts are called host-00 and so on, which must be addresses: give --host NAME=ADDRESS for each');
  return EXIT.ok;
}

async function fromSpec(context: CommandContext, file: string, flags: RenderFlags): Promise<RenderedFile[] | null> {
  const source = await readSpecFile(file, context.io.cwd);
  const spec = tellSpecProblems(source, context.output);
  if (spec === null) return null;
  const recipe = recipeOf(spec);
  const scratch = flags.scratch ?? spec.scratch ?? SCRATCH;
  return renderText(absoluteSpecText(source.text, source.baseDir), runName(spec.name), async (absolute) => ({
    hosts: hostsOf(spec, flags.host ?? []),
    tools: localTools(recipe, absolute, scratch, flags.python),
    scratch,
    known: {},
    ...(await checkpointOf(recipe, absolute)),
    isResume: flags.resume ?? false,
  }));
}

async function fromRun(context: CommandContext, wanted: string, flags: RenderFlags): Promise<RenderedFile[]> {
  const { run, hosts } = await withRuns(context, flags, async (runs) =>
    runs.readRunFacts((await findRun(runs, wanted)).run),
  );
  const [first] = hosts;
  if (first === undefined) throw new TemperError('NoHosts', { where: run, what: 'no host of the run could be asked' });
  const { specText, known, measured, checkpoint } = first.answer;
  return renderText(specText, run, async () => ({
    hosts: hosts.map(({ address, answer }) => ({
      name: answer.host,
      address,
      networkInterface: answer.networkInterface,
      own: placesOf(answer),
    })),
    ...placesOf(first.answer),
    known: Object.fromEntries(Object.entries(known).filter(([stage]) => isKept(stage, flags.from))),
    ...(measured === undefined ? {} : { measured }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    isResume: flags.resume ?? false,
  }));
}

/** What is done is kept, up to the stage from which on scripts are wanted. */
function isKept(stage: string, from: StageName | undefined): boolean {
  const order: readonly string[] = StageNameSchema.options;
  return from === undefined || order.indexOf(stage) < order.indexOf(from);
}

function placesOf({ tools: { environment, ...tools }, scratch }: RenderAnswer): {
  readonly tools: HostTools;
  readonly scratch: string;
} {
  return { tools: { ...tools, ...(environment === undefined ? {} : { environment }) }, scratch };
}

/** What the spec starts from, where it names something and this machine sees it. */
async function checkpointOf(recipe: Recipe, { train }: PipelineSpec): Promise<Pick<RenderFacts, 'checkpoint'>> {
  const { fromCheckpoint } = train;
  const checkpoint = fromCheckpoint === undefined ? null : await checkpointFolder(fromCheckpoint, recipe.checkpoint);
  return checkpoint === null ? {} : { checkpoint };
}

async function renderText(
  specText: string,
  run: string,
  factsOf: (spec: PipelineSpec) => Promise<RenderFacts>,
): Promise<RenderedFile[]> {
  const planned = planFromText(specText, run, []);
  const { spec } = readStoredSpec(specText);
  if (planned.plan === null || spec === null)
    throw new TemperError('SpecInvalid', { where: run, what: planned.problems[0]?.what ?? 'the spec cannot be read' });
  return renderRun(recipeOf(spec), spec, planned.plan, await factsOf(spec));
}

function recipeOf({ recipe: id }: PipelineSpec): Recipe {
  const recipe = findRecipe(id);
  if (recipe === null) throw new TemperError('RecipeUnknown', { what: `there is no recipe ${id}` });
  return recipe;
}

/** This installation stands for that of the hosts, which are expected to have it at the same place. */
function localTools(recipe: Recipe, spec: PipelineSpec, scratch: string, python: string | undefined): HostTools {
  const config = readConfig();
  const place = recipe.environment.place?.(spec, scratch);
  return {
    python: python ?? spec.environment.python ?? place?.python ?? config.python,
    node: process.execPath,
    temper: join(config.root, 'bin', 'temper.js'),
    programs: join(config.root, 'dist', 'recipes', recipe.programsFolder),
    cpus: 0,
    ...(place === undefined ? {} : { environment: place.root }),
  };
}

function hostsOf({ fleet }: PipelineSpec, given: readonly string[]): RenderHost[] {
  if (given.length > 0 && given.length !== fleet.hosts) {
    throw new TemperError('UsageInvalid', {
      where: '--host',
      what: `${given.length} hosts are named, fleet.hosts is ${fleet.hosts}`,
      fix: 'name each host once, in the order of node ranks, or none',
    });
  }
  const names = Array.from({ length: fleet.hosts }, (_, rank) => `host-${String(rank).padStart(2, '0')}`);
  const hosts =
    given.length === 0 ? names.map((name) => ({ name, address: name, networkInterface: null })) : given.map(parseHost);
  const twice = hosts.find((host, rank) => hosts.findIndex(({ name }) => name === host.name) !== rank);
  if (twice === undefined) return apart(hosts);
  throw new TemperError('UsageInvalid', {
    where: '--host',
    what: `${twice.name} is named twice`,
    fix: 'name each host once',
  });
}

/** Two machines cannot have one address; a loopback address means a try on one machine. */
function apart(hosts: readonly RenderHost[]): RenderHost[] {
  const [twin] = judgeTwins(hosts.map(({ name, address }) => ({ host: name, machineId: name, address })));
  if (twin === undefined) return [...hosts];
  throw new TemperError('UsageInvalid', {
    where: '--host',
    what: twin.what,
    fix: 'give each host the address of its own training interface',
  });
}

function parseHost(text: string): RenderHost {
  const match = /^([a-z0-9][a-z0-9.-]{0,62})=([\w.:-]{1,255})(?:,([\w.-]{1,32}))?$/i.exec(text);
  if (match === null) {
    throw new TemperError('UsageInvalid', {
      where: '--host',
      what: `${JSON.stringify(text)} is no host`,
      fix: 'write NAME=ADDRESS or NAME=ADDRESS,INTERFACE',
    });
  }
  return { name: match[1] ?? '', address: match[2] ?? '', networkInterface: match[3] ?? null };
}

/** Into a folder that is new or empty: an older script would be run by mistake. */
async function writeAll(dir: string, files: readonly RenderedFile[]): Promise<void> {
  const there = await readdir(dir).catch(() => []);
  if (there.length > 0) {
    throw new TemperError('UsageInvalid', {
      where: dir,
      what: 'the folder is not empty',
      why: 'an older script in it would be run by mistake',
      fix: 'give a new folder',
    });
  }
  for (const { path, content, isProgram } of files) {
    const target = join(dir, path);
    await makeFolder(dirname(target));
    await writeFile(target, content, { flag: 'wx' });
    if (isProgram) await chmod(target, 0o755);
  }
}
