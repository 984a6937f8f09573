import { join } from 'node:path';
import { globalBatch, type TrainingFacts } from './facts.js';
import { fidelityArguments, type Argument } from './fidelity.js';
import { loaderWorkers } from './data-file.js';
import { lossFlag } from './model-file.js';
import { distributedTimeoutMinutes } from './timeouts.js';

/** Program of MindSpeed-MM that trains, in the root of its checkout. */
export const ENTRY = 'pretrain_transformers.py';

/** Names of the three configuration files in a host's config folder. */
export const CONFIG_FILES = { data: 'data.json', model: 'model.json', sharding: 'fsdp2.yaml' } as const;

/** Share of the iterations in which the learning rate rises, unless the spec says another. */
export const WARMUP_FRACTION = 0.1;

/** What torchrun is told: static rendezvous, no restarts of its own, a log per rank. */
export function launcherArguments(facts: TrainingFacts): readonly Argument[] {
  const { nodes, ranksPerNode, nodeRank, masterAddress, masterPort, folders } = facts;
  return [
    given('--nproc_per_node', ranksPerNode, 'fleet.npusPerHost (NPUS_PER_NODE)'),
    given('--nnodes', nodes, 'fleet.hosts (NNODES)'),
    given('--node_rank', nodeRank, 'place of this host in the gang, from its lease (NODE_RANK)'),
    given('--master_addr', masterAddress, 'training address of rank 0 (MASTER_ADDR)'),
    given('--master_port', masterPort, "free on rank 0's host when the attempt was opened (MASTER_PORT)"),
    given('--redirects', 3, 'stdout and stderr of each rank go into files of their own, so lines are never mixed'),
    given('--log-dir', folders.rankLogs, "on the host's own disk"),
  ];
}

/** What the training program is told, in the order of the example's launch script. */
export function trainingArguments(facts: TrainingFacts): readonly Argument[] {
  return [...modelArguments(facts), ...configArguments(facts), ...outputArguments(facts), ...backend()];
}

/** The words of the arguments that are given. */
export function toWords(all: readonly Argument[]): string[] {
  return all.filter(({ isGiven }) => isGiven).flatMap(({ flag, values }) => [flag, ...values]);
}

function modelArguments(facts: TrainingFacts): Argument[] {
  const { spec, folders } = facts;
  const { train } = spec;
  const example = 'as in the example';
  const loss = lossFlag(facts);
  return [
    given('--use-mcore-models', [], example),
    given('--tensor-model-parallel-size', 1, 'FSDP2 allows no other'),
    given('--pipeline-model-parallel-size', 1, 'FSDP2 allows no other'),
    given('--context-parallel-size', 1, example),
    given('--context-parallel-algo', 'ulysses_cp_algo', example),
    given('--micro-batch-size', train.microBatchSize, 'train.microBatchSize'),
    given('--global-batch-size', globalBatch(facts), 'micro batch x accumulation x world size'),
    given('--tokenizer-type', 'NullTokenizer', 'rows are tokenized by the processor of the original model'),
    given('--vocab-size', 152_064, example),
    given('--seq-length', train.sequenceLength, 'train.sequenceLength'),
    given('--make-vocab-size-divisible-by', 1, example),
    given('--normalization', 'RMSNorm', example),
    given('--use-fused-rmsnorm', [], example),
    given('--swiglu', [], example),
    given('--use-fused-swiglu', [], example),
    given('--no-masked-softmax-fusion', [], example),
    given('--lr', train.learningRate.toExponential(), 'train.learningRate'),
    given('--lr-decay-style', 'cosine', example),
    given('--weight-decay', train.weightDecay, 'train.weightDecay'),
    given('--train-iters', train.iterations, 'train.iterations'),
    given('--lr-warmup-fraction', train.warmupFraction ?? WARMUP_FRACTION, 'train.warmupFraction'),
    given('--clip-grad', '0.0', example),
    given('--adam-beta1', 0.9, example),
    given('--adam-beta2', 0.999, example),
    given('--no-gradient-accumulation-fusion', [], 'FSDP2 needs it'),
    given('--seed', train.seed, 'train.seed'),
    given(
      '--load',
      folders.load,
      facts.isResume ? 'the newest proven checkpoint, chosen from the ledger' : 'the converted weights',
    ),
    given('--exit-on-missing-checkpoint', [], 'without it a missing checkpoint means random weights, without an error'),
    given('--use-flash-attn', [], example),
    ...fidelityArguments(facts),
    given(
      '--num-workers',
      loaderWorkers(spec),
      train.dataLoader?.streaming === true
        ? 'a stream is read by one process'
        : 'processes that read data, for each rank',
    ),
    given('--use-torch-fsdp2', [], example),
    given('--untie-embeddings-and-output-weights', [], 'FSDP2 needs it'),
    given('--ckpt-format', 'torch_dcp', 'the format that is verified and exported'),
    given('--fsdp2-config-path', configFile(facts, 'sharding'), 'made by Temper'),
    given('--optimizer-selection', 'fused_torch_adamw', example),
    given('--use-cpu-initialization', [], example),
    ...(loss === null ? [] : [given(loss, [], 'train.loss.type; this revision takes it as an argument')]),
    given('--init-model-with-meta-device', [], 'each rank would hold 430 GB of weights in host memory without it'),
    given('--log-tps', [], 'tokens per sample in the log, for the throughput'),
    given(
      '--distributed-timeout-minutes',
      distributedTimeoutMinutes(facts),
      'twice the longest wait: for rows that one rank of the host tokenizes, or for a save',
    ),
  ];
}

function configArguments(facts: TrainingFacts): Argument[] {
  return [
    given('--mm-data', configFile(facts, 'data'), 'made by Temper'),
    given('--mm-model', configFile(facts, 'model'), 'made by Temper'),
    given('--mm-tool', './mindspeed_mm/tools/tools.json', 'of the checkout; the profiler is off in it'),
  ];
}

function outputArguments({ spec, folders }: TrainingFacts): Argument[] {
  return [
    given('--log-interval', 1, 'each iteration is told'),
    given('--save-interval', spec.train.checkpoint.every, 'train.checkpoint.every'),
    given('--eval-interval', 10_000, 'without effect: no validation data is configured'),
    given('--eval-iters', 5_000, 'without effect: no validation data is configured'),
    given('--save', folders.save, 'folder of this attempt: no other attempt writes into it'),
    given('--tensorboard-dir', folders.tensorboard, 'curves for TensorBoard'),
  ];
}

function backend(): Argument[] {
  return [given('--distributed-backend', 'nccl', "torch_npu turns it into the device's own")];
}

function configFile({ folders }: TrainingFacts, file: keyof typeof CONFIG_FILES): string {
  return join(folders.config, CONFIG_FILES[file]);
}

function given(flag: string, values: string | number | readonly string[], reason: string): Argument {
  return { flag, values: typeof values === 'object' ? values : [String(values)], reason, isGiven: true };
}
