import { basename, isAbsolute, join } from 'node:path';
import { wantedPorts } from '../../domain/gang/master-ports.js';
import type { PipelinePlan, StageName } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Command, HostTools, LaunchFacts, ProducedStage, Recipe, StageOutput, StageWork } from '../recipe.js';
import { checkpointProof, proofOf } from './proofs.js';
import { placeOf, readme, stageNumber } from './readme.js';
import { scriptText } from './script.js';

/** A host of the gang, in the order of node ranks. */
export interface RenderHost {
  readonly name: string;
  /** Address at which the other hosts reach it. */
  readonly address: string;
  readonly networkInterface: string | null;
  /** Its own programs and scratch folder, where it was asked; those of all hosts when left out. */
  readonly own?: { readonly tools: HostTools; readonly scratch: string };
}

/** What scripts are made from, beside spec and plan. */
export interface RenderFacts {
  readonly hosts: readonly RenderHost[];
  readonly tools: HostTools;
  /** Folder on each host's own disk. */
  readonly scratch: string;
  /** Outputs that exist already; their stages get no script. */
  readonly known: Readonly<Partial<Record<StageName, StageOutput>>>;
  /** What the attempts of a run measured; nothing, before there is one. */
  readonly measured?: LaunchFacts['measured'];
  /** Folder of the checkpoint that the spec starts from; left out where nobody could look at it. */
  readonly checkpoint?: string;
  /** Continue from what an earlier start of the same scripts saved. */
  readonly isResume: boolean;
}

/** A file of the rendering, relative to its folder. */
export interface RenderedFile {
  readonly path: string;
  readonly content: string;
  readonly isProgram: boolean;
}

/**
 * Scripts that run by hand what Temper would run by itself, for a site that cannot run workers yet: one per stage, and
 * one per host for the training; none where nothing is left to do. Everything lies under `rendered/<run>` of the
 * workspace, apart from Temper's own runs.
 */
export function renderRun(recipe: Recipe, spec: PipelineSpec, plan: PipelinePlan, facts: RenderFacts): RenderedFile[] {
  const root = join(plan.workspace, 'rendered', plan.run);
  const inputs: Partial<Record<StageName, StageOutput>> = { ...facts.known };
  const files: RenderedFile[] = [];
  for (const [index, { name, title, placement }] of plan.stages.entries()) {
    if (facts.known[name] !== undefined) continue;
    const number = stageNumber(index);
    const about = [`${plan.run}, stage ${name}: ${title}`, placeOf(placement)];
    const out = join(root, name);
    if (name === 'environment') {
      files.push(...environmentScripts(recipe, spec, facts, `${number}-${name}`, about));
    } else if (name === 'train') {
      const train = { recipe, spec, facts, inputs: { ...inputs }, out };
      for (const [rank] of facts.hosts.entries()) files.push(trainingScript(train, rank, number, about));
      inputs.train = trainOutput(recipe, spec, out);
    } else {
      const work = recipe.work(name as ProducedStage, { spec, tools: facts.tools, out, inputs });
      const before = name === 'export' ? checkpointProof(recipe, facts.tools, inputs) : [];
      files.push(
        program(`${number}-${name}.sh`, stageScript(work, out, { about, recipe, tools: facts.tools, before })),
      );
      inputs[name] = { dir: out, outputs: absoluteOutputs(work, out), facts: {} };
    }
  }
  // The environment is a fact of each host, and never done for all time.
  if (plan.stages.every(({ name }) => name === 'environment' || facts.known[name] !== undefined)) return [];
  return [...files, { path: 'README.md', content: readme(plan, facts, files), isProgram: false }];
}

interface Training {
  readonly recipe: Recipe;
  readonly spec: PipelineSpec;
  readonly facts: RenderFacts;
  readonly inputs: RenderFacts['known'];
  readonly out: string;
}

/** The launch of one host, as Temper would make it from the same facts. */
export function launchFacts({ recipe, spec, facts, inputs, out }: Training, nodeRank: number): LaunchFacts {
  const { hosts, measured } = facts;
  const host = hosts[nodeRank];
  const first = hosts[0];
  if (host === undefined || first === undefined) throw new TypeError(`there is no host of rank ${nodeRank}`);
  const { tools, scratch } = host.own ?? facts;
  const saveDir = join(out, 'ckpt');
  const start = startOf({ recipe, spec, facts, inputs, out }, join(out, host.name));
  return {
    spec,
    tools,
    nodeRank,
    nodes: hosts.length,
    ranksPerNode: spec.fleet.npusPerHost,
    masterAddress: first.address,
    masterPort: wantedPorts(spec, recipe.training.masterPorts)[0] ?? ANY_PORT,
    address: host.address,
    networkInterface: host.networkInterface,
    rankLogDir: join(scratch, 'rank-logs', 'rendered'),
    cacheDir: join(scratch, 'caches'),
    hostDir: join(out, host.name),
    loadDir: start.loadDir,
    saveDir,
    isResume: start.isResume,
    ...(measured === undefined ? {} : { measured }),
    inputs,
  };
}

interface Start extends Pick<LaunchFacts, 'loadDir' | 'isResume'> {
  /** What the load folder must show, where the script has to make it. */
  readonly view?: { readonly link: string; readonly target: string; readonly tracker: string };
}

/**
 * Where the training begins. Upstream takes a folder with a tracker file only, and ends with status 0 without one: the
 * folder of one checkpoint is shown in a folder of the host's own, as in the load view of an attempt.
 */
function startOf({ recipe, spec, facts, inputs, out }: Training, hostDir: string): Start {
  const { fromCheckpoint } = spec.train;
  if (facts.isResume) return { loadDir: join(out, 'ckpt'), isResume: true };
  if (fromCheckpoint === undefined) return { loadDir: inputs.convert?.outputs['dcp'] ?? out, isResume: false };
  const { layout, iterationFolder, converted } = recipe.checkpoint;
  const target = facts.checkpoint ?? fromCheckpoint;
  const named = layout.parseFolder(basename(target));
  if (named === null) return { loadDir: fromCheckpoint, isResume: true };
  const { iteration } = named;
  const loadDir = join(hostDir, 'load');
  const link = join(loadDir, iteration === null ? converted.folder : iterationFolder(iteration));
  const tracker = iteration === null ? converted.tracker : String(iteration);
  return { loadDir, isResume: iteration !== null, view: { link, target, tracker } };
}

/** Where the recipe takes any free port: torchrun's own default. */
const ANY_PORT = 29_500;

function trainingScript(train: Training, nodeRank: number, number: string, about: readonly string[]): RenderedFile {
  const { recipe, facts, out } = train;
  const launch = launchFacts(train, nodeRank);
  const host = facts.hosts[nodeRank]?.name ?? String(nodeRank);
  const reasons = recipe.training.reasons?.(launch);
  const start = startOf(train, launch.hostDir);
  const content = scriptText({
    about: [
      ...about,
      `host ${host}, node ${nodeRank} of ${facts.hosts.length}: start the scripts of all hosts within a minute`,
      'exit status 0 alone proves nothing: look for the last iteration, then temper checkpoint verify',
      ...(train.spec.weights.localCopy === true
        ? [
            'loads from the workspace; a run copies the converted weights here first: temper checkpoint copy DIR --output DIR',
          ]
        : []),
      ...(start.loadDir === train.spec.train.fromCheckpoint
        ? [
            `${start.loadDir} is not seen where this was made: its tracker file must name a trained checkpoint; for converted weights name their own folder in it`,
          ]
        : []),
    ],
    isOfRanks: true,
    folders: [join(out, 'ckpt'), launch.rankLogDir, launch.cacheDir],
    files: [
      ...(recipe.training.files?.(launch) ?? []),
      ...(start.view === undefined
        ? []
        : [{ path: join(start.loadDir, recipe.checkpoint.layout.trackerFile), content: start.view.tracker }]),
    ],
    commands: [
      ...(start.view === undefined
        ? []
        : [{ step: 'show-checkpoint', argv: ['ln', '-sfn', start.view.target, start.view.link], cwd: out, env: {} }]),
      recipe.training.launch(launch),
    ],
    ...(reasons === undefined ? {} : { reasons }),
  });
  return program(`${number}-train-${host}.sh`, content);
}

interface StageScript {
  readonly about: readonly string[];
  readonly recipe: Recipe;
  readonly tools: HostTools;
  /** Proofs of what the stage takes. */
  readonly before: readonly Command[];
}

function stageScript(work: StageWork, out: string, { about, recipe, tools, before }: StageScript): string {
  return scriptText({
    about: work.commands.length === 0 ? [...about, 'nothing is made: what is given is only proven'] : about,
    folders: [out],
    files: work.files,
    commands: [...before, ...work.commands, ...work.checks.flatMap((check) => proofOf(check, recipe, tools))],
  });
}

/** One script for all hosts, or one for each where their folders differ. */
function environmentScripts(
  recipe: Recipe,
  spec: PipelineSpec,
  { hosts, tools }: RenderFacts,
  name: string,
  about: readonly string[],
): RenderedFile[] {
  const scripts = hosts.map((host) => ({
    host: host.name,
    text: environmentScript(recipe, spec, host.own?.tools ?? tools, about),
  }));
  const [first] = scripts;
  if (first === undefined || scripts.every(({ text }) => text === first.text)) {
    return [program(`${name}.sh`, first?.text ?? environmentScript(recipe, spec, tools, about))];
  }
  return scripts.map(({ host, text }) => program(`${name}-${host}.sh`, text));
}

function environmentScript(recipe: Recipe, spec: PipelineSpec, tools: HostTools, about: readonly string[]): string {
  const { environment } = recipe;
  const commands = environment.install?.(spec, tools) ?? [];
  const place = tools.environment;
  const isInstalled = commands.length > 0 && place !== undefined;
  return scriptText({
    about: [
      ...about,
      isInstalled
        ? `installs the environment into ${place} unless that is there, then looks at it and tries it`
        : 'looks at the environment and tries it: installed is nothing',
    ],
    folders: [],
    files: [],
    ...(isInstalled ? { unless: { exists: place, commands } } : {}),
    commands: [environment.probe(tools, spec), environment.prove(tools, spec)],
  });
}

function trainOutput(recipe: Recipe, spec: PipelineSpec, out: string): StageOutput {
  const checkpoint = join(out, 'ckpt', recipe.checkpoint.iterationFolder(spec.train.iterations));
  return { dir: out, outputs: { checkpoint }, facts: {} };
}

function absoluteOutputs({ outputs }: StageWork, out: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, path]) => [
      name,
      isAbsolute(path) || path.includes(',') ? path : join(out, path),
    ]),
  );
}

function program(path: string, content: string): RenderedFile {
  return { path, content, isProgram: true };
}
