import { z } from 'zod';
import { PathSchema, patternText, WaitSchema } from './units.js';

const FreezeSchema = z.strictObject({
  visionEncoder: z.boolean().default(true).describe('Keep the vision encoder as it is.'),
  visionProjector: z.boolean().default(true).describe('Keep the projector between vision and text as it is.'),
  textDecoder: z.boolean().default(false).describe('Keep the language model, its output layer included, as it is.'),
});

const CheckpointSchema = z.strictObject({
  every: z.int().min(1).max(100_000_000).describe('Iterations between two checkpoints.'),
  keep: z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe('Proven checkpoints kept over all attempts; at least two while an attempt trains.'),
  fidelity: z
    .enum(['full', 'weights-only'])
    .default('full')
    .describe(
      'What a checkpoint holds: full (weights, optimizer, learning-rate schedule, random state) or weights-only (smaller; a resume restarts the optimizer and the schedule).',
    ),
});

const EnvSchema = z.record(
  patternText(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'an environment variable has letters, digits and underscores and does not start with a digit',
    'GLOO_SOCKET_IFNAME',
  ).max(200),
  z.union([
    z
      .string()
      .max(4096)
      // oxlint-disable-next-line no-control-regex -- an environment cannot carry NUL
      .regex(/^[^\u0000]*$/, 'a value cannot hold a NUL character'),
    z.number(),
    z.boolean(),
  ]),
);

const DataLoaderSchema = z.strictObject({
  workers: z.int().min(0).max(256).optional().describe('Processes that read data, for each rank.'),
  preprocessWorkers: z.int().min(1).max(512).optional().describe('Processes of a host that turn rows into tokens.'),
  preprocessOnFly: z
    .boolean()
    .optional()
    .describe('Turn rows into tokens while training instead of all of them before the first step.'),
  streaming: z
    .boolean()
    .optional()
    .describe('Read the data as a stream: no worker processes, and no continuing in the data after a restart.'),
  imageMaxPixels: z
    .int()
    .min(784)
    .max(16_777_216)
    .optional()
    .describe('Larger images are scaled down to this many pixels.'),
  imageMinPixels: z
    .int()
    .min(784)
    .max(16_777_216)
    .optional()
    .describe('Smaller images are scaled up to this many pixels.'),
});

const MasterPortsSchema = patternText(
  /^\d{4,5}(-\d{4,5})?(,\d{4,5}(-\d{4,5})?)*$/,
  'ports are numbers and ranges, separated by commas',
  '6000,6010-6020',
).max(200);

/** The `train` section of the spec. */
export const TrainSchema = z.strictObject({
  iterations: z.int().min(1).max(100_000_000).describe('Optimizer steps in all (--train-iters).'),
  microBatchSize: z.int().min(1).max(4096).default(1).describe('Samples per rank and forward pass.'),
  gradientAccumulation: z.int().min(1).max(4096).default(1).describe('Forward passes per optimizer step.'),
  learningRate: z.number().positive().max(1).describe('Peak learning rate.'),
  warmupFraction: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of the iterations in which the learning rate rises.'),
  weightDecay: z.number().min(0).max(1).default(0).describe('Weight decay of the optimizer.'),
  seed: z.int().min(0).max(999_999_999).default(42).describe('Seed of initialisation, data order and dropout.'),
  sequenceLength: z
    .int()
    .min(16)
    .max(1_048_576)
    .default(1024)
    .describe('Longest sample in tokens; longer ones are cut.'),
  freeze: FreezeSchema.default({ visionEncoder: true, visionProjector: true, textDecoder: false }).describe(
    'Parts of the model that do not learn.',
  ),
  loss: z
    .strictObject({
      type: z.enum(['default', 'per_token_loss', 'per_sample_loss']).describe('How the loss is averaged over a batch.'),
    })
    .optional()
    .describe('Loss settings; required by recipes whose training code offers a choice.'),
  checkpoint: CheckpointSchema.describe('When and what to save.'),
  env: EnvSchema.default({}).describe('Environment variables of the ranks; never secrets.'),
  threadsPerRank: z.int().min(1).max(256).optional().describe('CPU threads per rank (OMP_NUM_THREADS).'),
  fusedMoe: z
    .boolean()
    .optional()
    .describe('Use the fused operators for the experts of the model, where the training code has them; on by default.'),
  dataLoader: DataLoaderSchema.optional().describe('How rows are read and turned into samples.'),
  masterPorts: MasterPortsSchema.optional().describe(
    "Ports for the meeting of the ranks on rank 0's host: the first free one of the list or range is taken.",
  ),
  distributedTimeout: WaitSchema.optional().describe(
    'How long ranks wait for each other before torch gives up; computed from rows and save time when left out.',
  ),
  fromCheckpoint: PathSchema.optional().describe(
    'Existing checkpoint to continue from: an iteration folder, or its parent with the tracker file.',
  ),
});
export type TrainSpec = z.infer<typeof TrainSchema>;
