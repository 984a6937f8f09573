import type { StageName } from '../../schemas/plan.js';

const CHECKPOINT_FILES = [
  'bfloat16.mjs',
  'checkpoint-layout.mjs',
  'dcp-metadata.mjs',
  'model-shape.mjs',
  'pickle-reader.mjs',
  'pickle-writer.mjs',
  'program-errors.mjs',
  'shard-file.mjs',
  'torch-zip.mjs',
];
const MODEL_FILES = [
  'bfloat16.mjs',
  'command-line.mjs',
  'hf-folder.mjs',
  'model-shape.mjs',
  'program-errors.mjs',
  'random.mjs',
];
const CONVERT_FILES = [...CHECKPOINT_FILES, 'command-line.mjs', 'convert.mjs', 'hf-folder.mjs'];

/** Program files by stage; what they hold enters the stage's key, so a changed program makes its output again. */
export const PROGRAMS: Readonly<Record<StageName, readonly string[]>> = {
  environment: ['probe.mjs'],
  weights: [...MODEL_FILES, 'make-weights.mjs', 'model.mjs'],
  data: [...MODEL_FILES, 'make-data.mjs'],
  check: [],
  convert: CONVERT_FILES,
  train: [
    ...CHECKPOINT_FILES,
    'checkpoint-load.mjs',
    'checkpoint-save.mjs',
    'collectives.mjs',
    'command-line.mjs',
    'failure-summary.mjs',
    'fault-actions.mjs',
    'faults.mjs',
    'frames.mjs',
    'launch-arguments.mjs',
    'launch.mjs',
    'launcher.mjs',
    'learning-rate.mjs',
    'local-ranks.mjs',
    'model.mjs',
    'random.mjs',
    'rank-process.mjs',
    'rank.mjs',
    'rendezvous-store.mjs',
    'training-arguments.mjs',
    'training-data.mjs',
    'training-log.mjs',
    'training.mjs',
  ],
  export: CONVERT_FILES,
  verify: [...MODEL_FILES, 'evaluate.mjs', 'model.mjs', 'training-data.mjs'],
};
