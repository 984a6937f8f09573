import type { PipelineSpec } from '../../schemas/spec.js';
import type { Lint } from '../recipe.js';

/** Whether the recipe or Temper itself reads a field of the section; a new field of the schema must be decided on here. */
type Readers<Section> = Readonly<Record<keyof Required<Section>, boolean>>;

const ENVIRONMENT: Readers<PipelineSpec['environment']> = {
  python: true,
  offline: true,
  // Only its default means anything, see below.
  location: true,
  folder: false,
  basePython: false,
  packages: false,
  checkouts: false,
  cannEnv: false,
  toolkitRoot: false,
  sources: false,
};

const WEIGHTS: Readers<PipelineSpec['weights']> = {
  source: true,
  revision: true,
  original: true,
  localCopy: true,
  reduceLayers: false,
};

const TRAIN: Readers<PipelineSpec['train']> = {
  iterations: true,
  microBatchSize: true,
  gradientAccumulation: true,
  learningRate: true,
  warmupFraction: true,
  weightDecay: true,
  seed: true,
  sequenceLength: true,
  freeze: true,
  checkpoint: true,
  env: true,
  threadsPerRank: true,
  masterPorts: true,
  fromCheckpoint: true,
  loss: false,
  fusedMoe: false,
  dataLoader: false,
  distributedTimeout: false,
};

/** Fields that are stated and would change nothing: whoever wrote them expects them to. */
export function unusedFields(spec: PipelineSpec): Lint[] {
  const lints = [
    ...unread('environment', spec.environment, ENVIRONMENT, 'this recipe runs on CPUs with released packages'),
    ...unread('weights', spec.weights, WEIGHTS, 'this recipe trains the model as it is'),
    ...unread('train', spec.train, TRAIN, 'the training program of this recipe has no such setting'),
  ];
  if (spec.environment.location !== 'shared') return lints;
  return [
    ...lints,
    unused(['environment', 'location'], 'environment.location: shared', 'nothing is installed by this recipe'),
  ];
}

function unread<Section extends object>(
  name: string,
  section: Section,
  readers: Readers<Section>,
  why: string,
): Lint[] {
  const isRead = new Map<string, boolean>(Object.entries(readers));
  return Object.entries(section)
    .filter(([key, value]) => value !== undefined && isRead.get(key) !== true)
    .map(([key]) => unused([name, key], `${name}.${key}`, why));
}

function unused(path: readonly string[], shown: string, why: string): Lint {
  return {
    id: path[0] === 'environment' ? 'environment/accelerator-on-cpu' : `${path[0] ?? ''}/unused-by-recipe`,
    severity: 'error',
    acceptable: false,
    path,
    what: `${shown} has no meaning for cpu-tiny`,
    why,
    fix: `remove ${path.join('.')}`,
  };
}
