import { DATA_CODE_VERSION } from '../../domain/data-code-version.js';
import type { StageDraft } from '../../domain/plan.js';
import { isRemote } from '../../domain/remote-source.js';
import type { Source as UserSource } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { smokeStage } from '../smoke.js';
import { ENVIRONMENT_PROGRAMS } from './environment/programs.js';
import { wantedPackages } from './environment/packages.js';
import { convertResources, downloadedBytes, exportResources, plannedModelBytes, trainResources } from './sizes.js';
import { sourcesOf } from './sources.js';
import { imagePixels, preprocessWorkers } from './training/data-file.js';
import { folder, pathOf, trainParameters, weightSources, worldBatch } from '../stage-drafts.js';

const HOUR_MS = 3_600_000;
const NOTHING = { diskBytes: 0, ramBytes: 0 } as const;

/** Stages of the guide, from its chapter 1 to 4.4: what each depends on, where it runs, what it needs. */
export function stages(spec: PipelineSpec): readonly StageDraft[] {
  const { weights, data, train } = spec;
  const modelBytes = plannedModelBytes(spec);
  const isAdopted = weights.source.startsWith('dcp:');
  // Tools that turn weights into others: a changed one makes their output again.
  const converter = sourcesOf(spec).mindspeedMm.ref;
  return [
    {
      name: 'environment',
      title: 'verify CANN, install and prove the training environment on every host',
      needs: [],
      placement: 'everyHost',
      programs: [...ENVIRONMENT_PROGRAMS],
      sources: [],
      // Checked where it is installed: it lies on the hosts' own disks, or is there already.
      resources: NOTHING,
      // Clones of large repositories over a slow line, and torch.
      timeoutMs: 6 * HOUR_MS,
      parameters: {},
    },
    {
      name: 'weights',
      title: weightsTitle(spec),
      needs: ['environment'],
      placement: 'anyHost',
      programs: [],
      sources: weightSources(spec),
      resources: { diskBytes: downloadedBytes(spec), ramBytes: 0 },
      timeoutMs: 72 * HOUR_MS,
      parameters: { source: weights.source, revision: weights.revision ?? null, original: weights.original ?? null },
    },
    {
      name: 'data',
      title: 'fetch and convert the data sets',
      needs: ['environment'],
      placement: 'anyHost',
      programs: [],
      sources: dataSources(spec),
      resources: NOTHING,
      timeoutMs: 24 * HOUR_MS,
      parameters: { code: DATA_CODE_VERSION, data },
    },
    {
      name: 'check',
      title: 'judge rows and images as they will be trained on',
      needs: ['data'],
      placement: 'anyHost',
      programs: [],
      // Images are not in the outputs of the data where they lie in a folder of the user's.
      sources: dataSources(spec),
      resources: NOTHING,
      timeoutMs: 24 * HOUR_MS,
      parameters: {
        code: DATA_CODE_VERSION,
        sequenceLength: train.sequenceLength,
        worldBatch: worldBatch(spec),
        pixels: imagePixels(spec),
        // Each reads a part of the rows, and has to learn from its first ones what an image is.
        parts: train.dataLoader?.streaming === true ? null : preprocessWorkers(spec),
      },
    },
    {
      name: 'convert',
      title: isAdopted ? 'verify the given checkpoint' : 'merge the experts into a distributed checkpoint',
      needs: ['environment', 'weights'],
      placement: 'oneHost',
      programs: [],
      sources: isAdopted ? [folder('weights.source', pathOf(weights.source))] : [],
      resources: isAdopted ? NOTHING : convertResources(modelBytes, weights.reduceLayers !== undefined),
      timeoutMs: 24 * HOUR_MS,
      parameters: {
        source: isAdopted ? weights.source : 'weights',
        reduceLayers: weights.reduceLayers ?? null,
        converter: isAdopted ? null : converter,
      },
    },
    {
      name: 'train',
      title: `train ${train.iterations} iterations on ${spec.fleet.hosts} hosts with ${spec.fleet.npusPerHost} devices each`,
      needs: ['environment', 'weights', 'convert', 'data', 'check'],
      placement: 'gang',
      programs: [],
      sources: train.fromCheckpoint === undefined ? [] : [folder('train.fromCheckpoint', train.fromCheckpoint)],
      resources: trainResources(modelBytes, train.checkpoint),
      timeoutMs: 60 * 24 * HOUR_MS,
      parameters: {
        ...trainParameters(spec),
        world: { hosts: spec.fleet.hosts, ranksPerHost: spec.fleet.npusPerHost },
        software: Object.values(sourcesOf(spec)).map(({ ref }) => ref),
        packages: wantedPackages(spec),
      },
    },
    {
      name: 'export',
      title: `split the experts and export in Hugging Face format (${spec.export.dtype})`,
      needs: ['environment', 'weights', 'convert', 'train'],
      placement: 'oneHost',
      programs: [],
      sources: [],
      resources: exportResources(modelBytes, spec),
      timeoutMs: 24 * HOUR_MS,
      parameters: { dtype: spec.export.dtype, freeze: train.freeze, converter },
    },
    {
      name: 'verify',
      title: 'look at the exported model as a whole',
      needs: ['environment', 'convert', 'export'],
      programs: [],
      sources: [],
      resources: NOTHING,
      ...smokeStage(spec),
    },
  ];
}

function weightsTitle({ weights }: PipelineSpec): string {
  return /^(hf|modelscope):/.test(weights.source) ? `download ${pathOf(weights.source)}` : 'verify the given weights';
}

/** What of the data is on the hosts already; of images, names and sizes count. */
function dataSources({ data }: PipelineSpec): UserSource[] {
  return data.flatMap((set, index): UserSource[] => {
    if (set.format === 'synthetic') return [];
    const { annotations, images } = set;
    const at = `data.${index}`;
    return [
      ...(isRemote(annotations) ? [] : [{ field: `${at}.annotations`, path: annotations, kind: 'file' } as const]),
      ...local(`${at}.images.path`, images?.path, 'manyFiles'),
      ...local(`${at}.images.zip`, images?.zip, 'file'),
    ];
  });
}

function local(field: string, path: string | undefined, kind: UserSource['kind']): UserSource[] {
  return path === undefined || isRemote(path) ? [] : [{ field, path, kind }];
}
