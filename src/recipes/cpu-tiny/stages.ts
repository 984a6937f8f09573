import { join } from 'node:path';
import { keptWhileTraining } from '../../domain/checkpoints/ledger.js';
import { DATA_CODE_VERSION } from '../../domain/data-code-version.js';
import type { StageDraft } from '../../domain/plan.js';
import { smokeStage } from '../smoke.js';
import type { Source } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { folder, givenModel, pathOf, trainParameters, weightSources, worldBatch } from '../stage-drafts.js';

const HOUR_MS = 3_600_000;
const MB = 1_000_000;

/** Program files by stage; what they hold enters the stage's key, so a changed program makes its output again. */
const PROGRAMS = {
  environment: ['probe_environment.py'],
  weights: ['cli_errors.py', 'make_weights.py', 'tiny_images.py', 'tiny_model.py', 'tiny_tokenizer.py'],
  data: [
    'check_lengths.py',
    'cli_errors.py',
    'make_data.py',
    'scenes.py',
    'tiny_images.py',
    'tiny_tokenizer.py',
    'training_rows.py',
  ],
  convert: ['cli_errors.py', 'convert.py', 'expert_layout.py', 'hf_folder.py'],
  train: [
    'cli_errors.py',
    'learning_rate.py',
    'train.py',
    'training_arguments.py',
    'training_checkpoint.py',
    'training_data.py',
    'training_log.py',
    'training_model.py',
    'training_rows.py',
  ],
  verify: ['answer.py', 'cli_errors.py'],
};

/** Stages of the tiny pipeline: what each depends on, where it runs, what it needs. */
export function stages(spec: PipelineSpec): readonly StageDraft[] {
  const { weights, data, train } = spec;
  return [
    {
      name: 'environment',
      title: 'check Python, torch and transformers on every host',
      needs: [],
      placement: 'everyHost',
      programs: PROGRAMS.environment,
      sources: [],
      resources: { diskBytes: 0, ramBytes: 0 },
      timeoutMs: HOUR_MS,
      parameters: {},
    },
    {
      name: 'weights',
      title: weights.source.startsWith('seed:') ? 'make the tiny model from its seed' : 'verify the given weights',
      needs: ['environment'],
      placement: 'anyHost',
      programs: PROGRAMS.weights,
      sources: weightSources(spec),
      resources: { diskBytes: 50 * MB, ramBytes: 1_000 * MB },
      timeoutMs: HOUR_MS,
      parameters: { source: weights.source, original: weights.original ?? null },
    },
    {
      name: 'data',
      title: 'make, convert and check the data sets',
      needs: ['environment'],
      placement: 'anyHost',
      programs: PROGRAMS.data,
      sources: [...dataSources(spec), ...tokenizerSources(spec)],
      resources: { diskBytes: 50 * MB, ramBytes: 500 * MB },
      timeoutMs: HOUR_MS,
      parameters: { code: DATA_CODE_VERSION, data, sequenceLength: train.sequenceLength, worldBatch: worldBatch(spec) },
    },
    {
      name: 'convert',
      title: 'convert the weights to a distributed checkpoint',
      needs: ['environment', 'weights'],
      placement: 'oneHost',
      programs: PROGRAMS.convert,
      sources: weights.source.startsWith('dcp:') ? [folder('weights.source', pathOf(weights.source))] : [],
      resources: { diskBytes: 50 * MB, ramBytes: 1_000 * MB },
      timeoutMs: HOUR_MS,
      parameters: { source: weights.source.startsWith('dcp:') ? weights.source : 'weights' },
    },
    {
      name: 'train',
      title: `train ${train.iterations} iterations on ${spec.fleet.hosts} hosts`,
      needs: ['environment', 'weights', 'convert', 'data'],
      placement: 'gang',
      programs: PROGRAMS.train,
      sources: train.fromCheckpoint === undefined ? [] : [folder('train.fromCheckpoint', train.fromCheckpoint)],
      resources: { diskBytes: 100 * MB * (keptWhileTraining(train.checkpoint.keep) + 1), ramBytes: 1_500 * MB },
      timeoutMs: 24 * HOUR_MS,
      parameters: {
        ...trainParameters(spec),
        world: { hosts: spec.fleet.hosts, ranksPerHost: spec.fleet.npusPerHost },
      },
    },
    {
      name: 'export',
      title: `export the model in Hugging Face format (${spec.export.dtype})`,
      needs: ['environment', 'weights', 'train'],
      placement: 'oneHost',
      programs: PROGRAMS.convert,
      sources: [],
      resources: { diskBytes: 50 * MB, ramBytes: 1_000 * MB },
      timeoutMs: HOUR_MS,
      parameters: { dtype: spec.export.dtype, freeze: train.freeze },
    },
    {
      name: 'verify',
      title: 'load the exported model and ask it held-out questions',
      needs: ['environment', 'weights', 'data', 'export'],
      programs: PROGRAMS.verify,
      sources: [],
      resources: { diskBytes: 10 * MB, ramBytes: 1_500 * MB },
      ...smokeStage(spec),
    },
  ];
}

/** What of a given model decides how long rows are. */
function tokenizerSources(spec: PipelineSpec): Source[] {
  const model = givenModel(spec);
  if (model === null) return [];
  const names = ['tokenizer.json', 'preprocessor_config.json', 'chat_template.jinja'];
  return names.map((name): Source => ({ field: model.field, path: join(model.path, name), kind: 'file' }));
}

function dataSources(spec: PipelineSpec): Source[] {
  return spec.data.flatMap((set, index): Source[] => {
    if (set.format === 'synthetic') return [];
    const annotations: Source = { field: `data.${index}.annotations`, path: set.annotations, kind: 'file' };
    return set.images?.path === undefined
      ? [annotations]
      : [annotations, folder(`data.${index}.images.path`, set.images.path)];
  });
}
