import { wantedPorts } from '../domain/gang/master-ports.js';
import type { PipelinePlan, StageName } from '../schemas/plan.js';
import type { StageReport } from '../schemas/host-call.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { HostTools, ProducedStage, Recipe, StageOutput } from './recipe.js';

/** What is known of a plan's outputs before it runs. */
export interface ReportFacts {
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  /** Outputs that exist; of the others only the place is known. */
  readonly inputs: Readonly<Partial<Record<StageName, StageOutput>>>;
  readonly keys: ReadonlyMap<StageName, string>;
  readonly reused: ReadonlySet<StageName>;
}

/** Each stage with the commands that it would run; folders that do not exist yet are named by `<stage output>`. */
export function reportStages(plan: PipelinePlan, recipe: Recipe, facts: ReportFacts): StageReport[] {
  return plan.stages.map((stage) => ({
    name: stage.name,
    title: stage.title,
    placement: stage.placement,
    hosts: stage.placement === 'gang' || stage.placement === 'everyHost' ? plan.fleet.hosts : 1,
    key: facts.keys.get(stage.name) ?? null,
    willReuse: facts.reused.has(stage.name),
    commands: commandsOf(stage.name, recipe, facts).map((argv) => [...argv]),
    diskBytes: stage.resources.diskBytes,
    ramBytes: stage.resources.ramBytes,
  }));
}

function commandsOf(
  stage: StageName,
  recipe: Recipe,
  { spec, tools, inputs }: ReportFacts,
): readonly (readonly string[])[] {
  if (stage === 'environment') return [recipe.environment.probe(tools, spec).argv];
  const known = withPlaceholders(inputs);
  if (stage !== 'train')
    return recipe
      .work(stage as ProducedStage, { spec, tools, out: `<${stage}>`, inputs: known })
      .commands.map(({ argv }) => argv);
  return Array.from(
    { length: spec.fleet.hosts },
    (_, nodeRank) =>
      recipe.training.launch({
        spec,
        tools,
        nodeRank,
        nodes: spec.fleet.hosts,
        ranksPerNode: spec.fleet.npusPerHost,
        masterAddress: '<address of node 0>',
        masterPort: wantedPorts(spec, recipe.training.masterPorts)[0] ?? 0,
        address: '<address>',
        networkInterface: null,
        rankLogDir: '<rank logs>',
        cacheDir: '<caches>',
        hostDir: '<attempt>/<host>',
        loadDir: '<attempt>/load',
        saveDir: '<attempt>/ckpt',
        isResume: false,
        inputs: known,
      }).argv,
  );
}

/** Stands in for outputs that do not exist yet: any name answers with a readable placeholder. */
function withPlaceholders(inputs: ReportFacts['inputs']): Readonly<Partial<Record<StageName, StageOutput>>> {
  const names: readonly StageName[] = ['weights', 'data', 'check', 'convert', 'train', 'export'];
  return Object.fromEntries(names.map((name) => [name, inputs[name] ?? placeholder(name)]));
}

function placeholder(stage: StageName): StageOutput {
  const outputs = new Proxy<Record<string, string>>({}, { get: (_, name) => `<${stage}>/${String(name)}` });
  return { dir: `<${stage}>`, outputs, facts: {} };
}
