import { join } from 'node:path';
import type { Command, LaunchFacts, LaunchReasons } from '../recipe.js';
import { resume } from './resume.js';
import { OFFLINE } from './python-command.js';
import { worldBatch } from '../stage-drafts.js';
import { outputOf } from '../stage-work.js';

/** Name of the folder of curves in a host's part of an attempt. */
export const CURVES = 'curves';

/** The command of one host: torchrun with static rendezvous, one log per rank. */
export function launch(facts: LaunchFacts): Command {
  const { spec, tools, nodeRank, nodes, ranksPerNode } = facts;
  return {
    step: `h${String(nodeRank).padStart(2, '0')}`,
    argv: [
      ...[tools.python, '-m', 'torch.distributed.run'],
      ...['--nnodes', String(nodes), '--nproc_per_node', String(ranksPerNode), '--node_rank', String(nodeRank)],
      ...['--master_addr', facts.masterAddress, '--master_port', String(facts.masterPort)],
      ...['--redirects', '3', '--log-dir', facts.rankLogDir],
      join(tools.programs, 'train.py'),
      ...trainArguments(facts),
    ],
    cwd: facts.rankLogDir,
    env: {
      ...OFFLINE,
      // gloo looks the host name up to find its interface; on one machine that may lead nowhere.
      ...(facts.masterAddress.startsWith('127.') ? { GLOO_SOCKET_IFNAME: 'lo' } : {}),
      ...Object.fromEntries(Object.entries(spec.train.env).map(([name, value]) => [name, String(value)])),
      // One thread per rank makes a run repeatable bit for bit; more are a choice of the spec.
      OMP_NUM_THREADS: String(spec.train.threadsPerRank ?? 1),
    },
  };
}

function trainArguments({ spec, inputs, hostDir, loadDir, saveDir, isResume }: LaunchFacts): string[] {
  const { train } = spec;
  const isWeightsOnly = train.checkpoint.fidelity === 'weights-only';
  const loads = resume.loads(spec);
  const flags: readonly (readonly [string, boolean])[] = [
    ['--exit-on-missing-checkpoint', true],
    ['--no-save-optim', isWeightsOnly],
    ['--no-save-rng', isWeightsOnly],
    // Converted weights hold no optimizer; asking for one would be silently ignored by other trainers.
    ['--no-load-optim', !loads.optimizer || !isResume],
    ['--no-load-rng', !loads.rng || !isResume],
    // A given checkpoint was trained with other values: the schedule is this spec's, its place in it the checkpoint's.
    ['--override-opt_param-scheduler', train.fromCheckpoint !== undefined],
    ['--freeze-vision-encoder', train.freeze.visionEncoder],
    ['--freeze-vision-projector', train.freeze.visionProjector],
    ['--freeze-text-decoder', train.freeze.textDecoder],
  ];
  return [
    ...['--hf-dir', outputOf(inputs, 'weights', 'hf')],
    ...['--data', outputOf(inputs, 'data', 'rows'), '--image-root', outputOf(inputs, 'data', 'imageRoot')],
    ...['--load', loadDir, '--save', saveDir, '--save-interval', String(train.checkpoint.every)],
    ...['--tensorboard-dir', join(hostDir, CURVES)],
    ...['--train-iters', String(train.iterations), '--micro-batch-size', String(train.microBatchSize)],
    ...['--global-batch-size', String(worldBatch(spec) * train.gradientAccumulation)],
    ...['--seq-length', String(train.sequenceLength), '--lr', String(train.learningRate)],
    ...(train.warmupFraction === undefined ? [] : ['--lr-warmup-fraction', String(train.warmupFraction)]),
    ...['--weight-decay', String(train.weightDecay), '--seed', String(train.seed)],
    ...flags.filter(([, isSet]) => isSet).map(([flag]) => flag),
  ];
}

/** Where each value of the launch comes from. */
export function reasons({ spec, isResume }: LaunchFacts): LaunchReasons {
  const { fidelity } = spec.train.checkpoint;
  const start = isResume
    ? `this attempt resumes a checkpoint (${fidelity})`
    : 'this attempt starts from converted weights';
  const saves = `train.checkpoint.fidelity is ${fidelity}`;
  return {
    arguments: {
      '--nnodes': 'fleet.hosts',
      '--nproc_per_node': 'fleet.npusPerHost',
      '--node_rank': 'place of this host in the gang',
      '--master_addr': 'training address of rank 0',
      '--master_port': "free on rank 0's host when the attempt was opened",
      '--redirects': 'a log for each rank',
      '--log-dir': "on the host's own disk",
      '--hf-dir': 'the model that was converted: config and tokenizer',
      '--data': 'the rows that were checked',
      '--image-root': 'folder that image names in the rows are relative to',
      '--load': 'view of the attempt on the checkpoint it starts from',
      '--save': 'folder of this attempt: no other attempt writes into it',
      '--save-interval': 'train.checkpoint.every',
      '--tensorboard-dir': 'the curve of the loss: shows that the gang steps to hosts that do not log it',
      '--train-iters': 'train.iterations',
      '--micro-batch-size': 'train.microBatchSize',
      '--global-batch-size': 'micro batch x accumulation x ranks',
      '--seq-length': 'train.sequenceLength',
      '--lr': 'train.learningRate',
      '--lr-warmup-fraction': 'train.warmupFraction',
      '--weight-decay': 'train.weightDecay',
      '--seed': 'train.seed',
      '--exit-on-missing-checkpoint': 'a missing checkpoint would mean random weights',
      '--no-load-optim': start,
      '--no-load-rng': start,
      '--no-save-optim': saves,
      '--no-save-rng': saves,
      '--freeze-vision-encoder': 'train.freeze.visionEncoder',
      '--freeze-vision-projector': 'train.freeze.visionProjector',
      '--freeze-text-decoder': 'train.freeze.textDecoder',
    },
    env: Object.fromEntries(Object.keys(spec.train.env).map((name) => [name, `train.env.${name}`])),
  };
}
