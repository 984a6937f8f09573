import { join } from 'node:path';
import { assertNever } from '../../domain/assert-never.js';
import type { PipelinePlan, Placement, StagePlan } from '../../schemas/plan.js';
import type { RenderedFile, RenderFacts } from './render-run.js';

/** The page that says in which order the scripts run, and where. */
export function readme(plan: PipelinePlan, { hosts, scratch }: RenderFacts, files: readonly RenderedFile[]): string {
  const scratches = new Set(hosts.map(({ own }) => own?.scratch ?? scratch));
  return `# ${plan.run}, by hand

These scripts run what Temper would run for this spec, in the order of their numbers, each number after the one before has
ended with 0.

${plan.stages.flatMap((stage, index) => step(stage, index, files)).join('\n')}

- Outputs go to \`${join(plan.workspace, 'rendered', plan.run)}\`, which all hosts must see; caches and logs to \`${[...scratches].join(', ')}\` on each host's own disk.
- Hosts by node rank: ${hosts.map(({ name, address }) => `${name} (${address})`).join(', ')}. Rank 0's address must be reachable from all others.
- What Temper proves after a stage is proven at the end of its script, which fails where it does not hold. Nothing here
  compares a converted checkpoint with its original name by name, restarts, chooses checkpoints or notices a host that hangs.
- The commands run with the variables of your shell; only \`https_proxy\` and its like are kept from ranks, as a worker does.
  Start the scripts from a clean shell.
- To continue a training that ended early, render again with \`--resume\`: it loads what these scripts saved.
`;
}

function step({ placement }: StagePlan, index: number, files: readonly RenderedFile[]): string[] {
  const own = files.filter(({ path }) => path.startsWith(`${stageNumber(index)}-`)).map(({ path }) => `\`${path}\``);
  return own.length === 0 ? [] : [`- ${own.join(', ')}: ${placeOf(placement)}`];
}

/** The number of a stage in the names of its scripts. */
export function stageNumber(index: number): string {
  return String(index + 1).padStart(2, '0');
}

/** Where the scripts of a stage run. */
export function placeOf(placement: Placement): string {
  switch (placement) {
    case 'everyHost':
      return 'run it on every host';
    case 'gang':
      return 'each host of the gang has a script of its own: all of them at the same time';
    case 'anyHost':
    case 'oneHost':
      return 'run it on one host';
    default:
      return assertNever(placement);
  }
}
