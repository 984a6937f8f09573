import { z } from 'zod';
import { DataSourceSchema } from './spec-data.js';
import { EnvironmentSchema } from './spec-environment.js';
import { TrainSchema } from './spec-train.js';
import { DurationSchema, NameSchema, PATH_TEXT, PathSchema, patternText, REVISION, WaitSchema } from './units.js';

const FleetSchema = z.strictObject({
  name: NameSchema.default('default').describe('Name of the fleet whose host workers run this pipeline.'),
  hosts: z.int().min(1).max(1024).describe('Hosts that train together (torchrun --nnodes).'),
  npusPerHost: z
    .int()
    .min(1)
    .max(64)
    .describe('Accelerators per host, which is ranks per host (torchrun --nproc_per_node); processes on a CPU recipe.'),
  spares: z.int().min(0).max(1024).default(0).describe('Hosts kept ready to replace a lost one.'),
});

const WeightsSchema = z.strictObject({
  source: patternText(
    new RegExp(String.raw`^(seed:\d{1,9}|(?:path|dcp):${PATH_TEXT}|(?:hf|modelscope):[\w.-]+\/[\w.-]+)$`),
    'a weights source is seed:N, path:FOLDER, dcp:FOLDER, hf:OWNER/MODEL or modelscope:OWNER/MODEL',
    'path:/mnt/models/base',
  )
    .max(1024)
    .describe(
      'Where the weights to fine-tune come from: hf:OWNER/MODEL or modelscope:OWNER/MODEL (a hub), path:FOLDER (a Hugging Face folder), dcp:FOLDER (a converted checkpoint with its tracker file), seed:N (cpu-tiny only: made from a seed).',
    ),
  revision: patternText(REVISION, 'a revision is a commit, tag or branch name', 'main')
    .optional()
    .describe('Commit, tag or branch of a hub source; resolved to a commit before anything is downloaded.'),
  original: PathSchema.optional().describe(
    'Hugging Face folder that a dcp: source was converted from; needed for tokenizer, config and export.',
  ),
  reduceLayers: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'Text layers to keep, counted from the first: a smaller model for debugging on one host. Configuration and tensors are written anew, so what comes out is no release of the model.',
    ),
  localCopy: z
    .boolean()
    .optional()
    .describe(
      "Copy the converted checkpoint to each host's own disk before the training starts, verified, and load it from there: spares the shared file system when many ranks load at once. Without effect where the training starts from another checkpoint.",
    ),
});

const SmokeSchema = z.strictObject({
  command: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(100)
    .refine((command) => command.some((part) => part.includes('{{model}}')), 'one part must hold {{model}}')
    .describe(
      'Argument list, no shell: {{model}} is the exported folder, {{python}} the interpreter of the training environment. Exit status 0 means that the model works.',
    ),
  timeout: WaitSchema.default('10m').describe('Longest time that the command may take.'),
});

const ExportSchema = z.strictObject({
  dtype: z
    .enum(['bf16', 'f32'])
    .default('bf16')
    .describe(
      'Number format of the exported weights: bf16 (each tensor as in the original model) or f32 (as trained, twice the size).',
    ),
  smoke: SmokeSchema.optional().describe(
    'A command of yours that tries the exported model, such as a generation; run by the stage verify on a host of its own. When it fails, the run is blocked.',
  ),
});

const RecoverySchema = z.strictObject({
  maxRestartsWithoutProgress: z
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('Restarts allowed until a newer proven checkpoint appears; then the run waits for a person.'),
  spareWait: DurationSchema.default('30m').describe('How long to wait for a host when a lost one has no spare.'),
  onUnknown: z
    .enum(['restart', 'stop'])
    .default('restart')
    .describe('What to do after a failure whose cause is not known.'),
});

/** What a user writes in `pipeline.yaml`. Unknown keys are errors; every field is documented by its sentence. */
export const PipelineSpecSchema = z.strictObject({
  apiVersion: z.literal('temper/v1').describe('Version of this format.'),
  name: NameSchema.describe('Name of the pipeline; the run takes it unless --run gives another.'),
  recipe: patternText(
    /^[a-z0-9][a-z0-9./-]{0,79}$/,
    'a recipe id looks like cpu-tiny or vendor/model',
    'cpu-tiny',
  ).describe('What is trained with what: the id of a recipe (temper init --recipe).'),
  workspace: PathSchema.describe(
    'Folder visible on all hosts, for outputs and checkpoints; a relative path is taken from the spec file.',
  ),
  scratch: PathSchema.optional().describe(
    "Folder on each host's own disk, for caches and logs; the --scratch of a host's worker wins.",
  ),
  fleet: FleetSchema.describe('The hosts that the run needs.'),
  environment: EnvironmentSchema.default({ location: 'perHost' }).describe('Software on the hosts.'),
  weights: WeightsSchema.describe('The model to start from.'),
  data: z
    .array(DataSourceSchema)
    .min(1, 'at least one data set is needed')
    .max(64)
    .describe('Data sets to train on, in order.'),
  train: TrainSchema.describe('The fine-tuning itself.'),
  export: ExportSchema.default({ dtype: 'bf16' }).describe('The model that comes out.'),
  recovery: RecoverySchema.default({
    maxRestartsWithoutProgress: 3,
    spareWait: '30m',
    onUnknown: 'restart',
  }).describe('What happens after failures.'),
  accept: z
    .array(
      patternText(/^[a-z0-9][a-z0-9/.-]{0,99}$/, 'a lint id looks like train/one-checkpoint', 'train/one-checkpoint'),
    )
    .max(100)
    .default([])
    .describe('Ids of lints that this pipeline accepts on purpose.'),
});
export type PipelineSpec = z.infer<typeof PipelineSpecSchema>;
export type PipelineSpecInput = z.input<typeof PipelineSpecSchema>;
