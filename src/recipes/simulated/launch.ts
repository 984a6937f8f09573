import { join } from 'node:path';
import type { Command, LaunchFacts } from '../recipe.js';
import { worldBatch } from '../stage-drafts.js';
import { outputOf } from '../stage-work.js';

/** Name of the folder of curves in a host's part of an attempt. */
export const CURVES = 'curves';

/** The command of one host: a launcher with torchrun's arguments and per-rank logs. */
export function launch(facts: LaunchFacts): Command {
  const { spec, tools, nodeRank, nodes, ranksPerNode } = facts;
  return {
    step: `h${String(nodeRank).padStart(2, '0')}`,
    argv: [
      ...[tools.node, join(tools.programs, 'launch.mjs')],
      ...['--nnodes', String(nodes), '--nproc_per_node', String(ranksPerNode), '--node_rank', String(nodeRank)],
      ...['--master_addr', facts.masterAddress, '--master_port', String(facts.masterPort)],
      ...['--redirects', '3', '--log-dir', facts.rankLogDir],
      join(tools.programs, 'rank.mjs'),
      ...trainArguments(facts),
    ],
    cwd: facts.rankLogDir,
    env: Object.fromEntries(Object.entries(spec.train.env).map(([name, value]) => [name, String(value)])),
  };
}

function trainArguments({ spec, inputs, hostDir, loadDir, saveDir, isResume }: LaunchFacts): string[] {
  const { train } = spec;
  const rows = outputOf(inputs, 'data', 'rows');
  const isWeightsOnly = train.checkpoint.fidelity === 'weights-only';
  const flags: readonly (readonly [string, boolean])[] = [
    ['--exit-on-missing-checkpoint', true],
    ['--no-save-optim', isWeightsOnly],
    ['--no-save-rng', isWeightsOnly],
    ['--no-load-optim', isWeightsOnly || !isResume],
    ['--no-load-rng', isWeightsOnly || !isResume],
    ['--freeze-vision-encoder', train.freeze.visionEncoder],
    ['--freeze-vision-projector', train.freeze.visionProjector],
    ['--freeze-text-decoder', train.freeze.textDecoder],
  ];
  return [
    ...['--data', rows, '--load', loadDir, '--save', saveDir, '--save-interval', String(train.checkpoint.every)],
    ...['--tensorboard-dir', join(hostDir, CURVES)],
    ...['--train-iters', String(train.iterations), '--micro-batch-size', String(train.microBatchSize)],
    ...[
      '--global-batch-size',
      String(worldBatch(spec) * train.gradientAccumulation),
      '--lr',
      String(train.learningRate),
    ],
    ...(train.warmupFraction === undefined ? [] : ['--lr-warmup-fraction', String(train.warmupFraction)]),
    ...['--weight-decay', String(train.weightDecay), '--seed', String(train.seed)],
    ...flags.filter(([, isSet]) => isSet).map(([flag]) => flag),
  ];
}
