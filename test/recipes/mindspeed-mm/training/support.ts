import type { TrainingFacts } from '../../../../src/recipes/mindspeed-mm/training/facts.js';
import { revisionOf } from '../../../../src/recipes/mindspeed-mm/revisions.js';
import { PipelineSpecSchema, type PipelineSpec, type PipelineSpecInput } from '../../../../src/schemas/spec.js';

/** What the guide trains: 8 hosts of 16 devices, 10000 iterations, everything else as the recipe has it. */
export const GUIDE_INPUT = {
  apiVersion: 'temper/v1',
  name: 'glm45v',
  recipe: 'mindspeed-mm/glm-4.5v',
  workspace: '/mnt/shared/temper',
  fleet: { hosts: 8, npusPerHost: 16 },
  weights: { source: 'path:/mnt/models/GLM-4.5V' },
  data: [{ name: 'llava', format: 'mllm', annotations: '/mnt/data/rows.json' }],
  train: {
    iterations: 10_000,
    learningRate: 1e-5,
    loss: { type: 'per_token_loss' },
    checkpoint: { every: 500, keep: 3, fidelity: 'full' },
  },
} as const satisfies PipelineSpecInput;

type Json = Readonly<Record<string, unknown>>;

/** The guide's spec with some fields of sections replaced, such as `{ train: { seed: 7 } }`. */
export function guideSpec(over: Readonly<Record<string, unknown>> = {}): PipelineSpec {
  const merged: Json = Object.fromEntries(
    Object.entries({ ...GUIDE_INPUT, ...over }).map(([key, value]) => {
      const base: unknown = Object.getOwnPropertyDescriptor(GUIDE_INPUT, key)?.value;
      return [key, isSection(base) && isSection(value) ? { ...base, ...value } : value];
    }),
  );
  return PipelineSpecSchema.parse(merged);
}

/** Facts of host 2 of the guide's gang. */
export function guideFacts(spec: PipelineSpec = guideSpec(), over: Partial<TrainingFacts> = {}): TrainingFacts {
  return {
    spec,
    revision: revisionOf(spec.environment.sources?.['mindspeedMm']?.ref),
    nodeRank: 2,
    nodes: spec.fleet.hosts,
    ranksPerNode: spec.fleet.npusPerHost,
    masterAddress: '10.0.0.1',
    masterPort: 6_000,
    networkInterface: 'enp1s0',
    isResume: false,
    folders: {
      checkout: '/opt/MindSpeed-MM',
      hf: '/mnt/models/GLM-4.5V',
      config: '/attempt/h2/config',
      load: '/attempt/load',
      save: '/attempt/ckpt',
      tensorboard: '/attempt/h2/tensorboard',
      caches: '/scratch/caches',
      rankLogs: '/scratch/rank-logs/1',
      plog: '/scratch/plog/1',
    },
    data: { files: ['/mnt/data/rows.json'], mediaDir: '/mnt/data/images', rows: 157_712 },
    measured: { saveMs: null, preprocessRowsPerSecond: null },
    ...over,
  };
}

function isSection(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
