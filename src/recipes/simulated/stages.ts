import { DATA_CODE_VERSION } from '../../domain/data-code-version.js';
import type { StageDraft } from '../../domain/plan.js';
import type { Source, StageName } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { smokeStage } from '../smoke.js';
import { PROGRAMS } from './programs.js';
import { folder, pathOf, trainParameters, weightSources, worldBatch } from '../stage-drafts.js';

const MINUTE_MS = 60_000;
const MB = 1_000_000;

/** Stages of the simulated pipeline: what each depends on, where it runs, what it needs. */
export function stages(spec: PipelineSpec): readonly StageDraft[] {
  const { weights, data, train } = spec;
  const isAdopted = weights.source.startsWith('dcp:');
  return [
    draft('environment', 'everyHost', 'look for Node on every host', [], {}),
    {
      ...draft(
        'weights',
        'anyHost',
        weights.source.startsWith('seed:') ? 'make the model from its seed' : 'verify the given weights',
        ['environment'],
        {
          source: weights.source,
          original: weights.original ?? null,
        },
      ),
      sources: weightSources(spec),
    },
    {
      ...draft('data', 'anyHost', 'make and check the data sets', ['environment'], {
        code: DATA_CODE_VERSION,
        data,
        sequenceLength: train.sequenceLength,
        worldBatch: worldBatch(spec),
      }),
      sources: data.flatMap((set, index): Source[] =>
        set.format === 'synthetic' ? [] : [{ field: `data.${index}.annotations`, path: set.annotations, kind: 'file' }],
      ),
    },
    {
      ...draft('convert', 'oneHost', 'convert the weights to a distributed checkpoint', ['environment', 'weights'], {
        source: isAdopted ? weights.source : 'weights',
      }),
      sources: isAdopted ? [folder('weights.source', pathOf(weights.source))] : [],
    },
    {
      ...draft(
        'train',
        'gang',
        `train ${train.iterations} iterations on ${spec.fleet.hosts} hosts`,
        ['environment', 'weights', 'convert', 'data'],
        {
          ...trainParameters(spec),
          world: { hosts: spec.fleet.hosts, ranksPerHost: spec.fleet.npusPerHost },
        },
      ),
      sources: train.fromCheckpoint === undefined ? [] : [folder('train.fromCheckpoint', train.fromCheckpoint)],
      timeoutMs: 24 * 60 * MINUTE_MS,
    },
    draft(
      'export',
      'oneHost',
      `export the model in Hugging Face format (${spec.export.dtype})`,
      ['environment', 'weights', 'train'],
      {
        dtype: spec.export.dtype,
        freeze: train.freeze,
      },
    ),
    {
      ...draft(
        'verify',
        'anyHost',
        'measure the loss on held-out rows',
        ['environment', 'weights', 'data', 'export'],
        {},
      ),
      ...smokeStage(spec),
    },
  ];
}

/** A stage that reads nothing of the user's and needs next to nothing: everything here is small and quick. */
function draft(
  name: StageName,
  placement: StageDraft['placement'],
  title: string,
  needs: StageName[],
  parameters: unknown,
): StageDraft {
  const resources = { diskBytes: MB, ramBytes: 100 * MB };
  return {
    name,
    title,
    needs,
    placement,
    programs: [...PROGRAMS[name]],
    sources: [],
    resources,
    timeoutMs: 10 * MINUTE_MS,
    parameters,
  };
}
