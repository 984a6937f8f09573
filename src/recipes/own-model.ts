import { join } from 'node:path';
import type { PipelineSpec } from '../schemas/spec.js';
import type { Command, Lint, ProducedStage, StageFacts, StageWork } from './recipe.js';
import { pathOf, worldBatch } from './stage-drafts.js';
import { outputOf } from './stage-work.js';

/** What differs between recipes that make their model from a seed and convert it with a program of their own. */
export interface OwnModel {
  makeWeights(facts: StageFacts, args: readonly string[]): Command;
  convert(facts: StageFacts, step: 'hf-to-dcp' | 'dcp-to-hf', args: readonly string[]): Command;
  /** The converter's word for the numbers of an export. */
  dtype(dtype: PipelineSpec['export']['dtype']): string;
  /** Parts of tensor names that belong to frozen modules. */
  frozenNames(spec: PipelineSpec): readonly string[];
}

type OwnStage = Extract<ProducedStage, 'weights' | 'convert' | 'export' | 'check'>;

/** The work of such a recipe in which the model is made, adopted, converted and exported. */
export function ownModelWork(model: OwnModel): Readonly<Record<OwnStage, (facts: StageFacts) => StageWork>> {
  return {
    weights: (facts) => weightsWork(facts, model),
    convert: (facts) => convertWork(facts, model),
    export: (facts) => exportWork(facts, model),
    check() {
      throw new TypeError('rows are judged where they are made');
    },
  };
}

function weightsWork(facts: StageFacts, model: OwnModel): StageWork {
  const { source, original } = facts.spec.weights;
  if (source.startsWith('seed:')) {
    const hf = join(facts.out, 'hf');
    return {
      files: [],
      commands: [model.makeWeights(facts, ['--output', hf, '--seed', pathOf(source)])],
      checks: [{ kind: 'modelFolder', dir: hf }],
      outputs: { hf: 'hf' },
    };
  }
  const hf = source.startsWith('dcp:') ? (original ?? '') : pathOf(source);
  return { files: [], commands: [], checks: [{ kind: 'modelFolder', dir: hf }], outputs: { hf } };
}

function convertWork(facts: StageFacts, model: OwnModel): StageWork {
  const { source } = facts.spec.weights;
  const original = outputOf(facts.inputs, 'weights', 'hf');
  if (source.startsWith('dcp:')) {
    const dir = pathOf(source);
    return { files: [], commands: [], checks: [{ kind: 'convertedCheckpoint', dir, original }], outputs: { dcp: dir } };
  }
  const dcp = join(facts.out, 'dcp');
  return {
    files: [],
    commands: [model.convert(facts, 'hf-to-dcp', ['--hf-dir', original, '--save-dir', dcp])],
    checks: [{ kind: 'convertedCheckpoint', dir: dcp, original }],
    outputs: { dcp: 'dcp' },
  };
}

function exportWork(facts: StageFacts, model: OwnModel): StageWork {
  const { spec, inputs } = facts;
  const { dtype } = spec.export;
  const original = outputOf(inputs, 'weights', 'hf');
  const hf = join(facts.out, 'hf');
  const args = ['--hf-dir', original, '--dcp-dir', outputOf(inputs, 'train', 'checkpoint'), '--save-dir', hf];
  return {
    files: [],
    commands: [model.convert(facts, 'dcp-to-hf', [...args, '--dtype', model.dtype(dtype)])],
    checks: [{ kind: 'sameModel', original, exported: hf, dtype, frozen: model.frozenNames(spec) }],
    outputs: { hf: 'hf' },
  };
}

/** What is wrong with a training of such a model whatever trains it. */
export function ownModelLints(spec: PipelineSpec): readonly Lint[] {
  const { visionEncoder, visionProjector, textDecoder } = spec.train.freeze;
  const rows = spec.data.reduce(
    (sum, set) => sum + (set.format === 'synthetic' ? set.rows : Number.POSITIVE_INFINITY),
    0,
  );
  return [
    ...(visionEncoder && visionProjector && textDecoder ? [ALL_FROZEN] : []),
    ...(rows < worldBatch(spec) ? [fewRows(rows, worldBatch(spec))] : []),
  ];
}

const ALL_FROZEN: Lint = {
  id: 'train/all-frozen',
  severity: 'error',
  acceptable: false,
  path: ['train', 'freeze'],
  what: 'every part of the model is frozen',
  why: 'nothing would learn',
  fix: 'set at least one of train.freeze.visionEncoder, visionProjector, textDecoder to false',
};

function fewRows(rows: number, batch: number): Lint {
  return {
    id: 'data/fewer-rows-than-world-batch',
    severity: 'error',
    acceptable: false,
    path: ['data'],
    what: `${rows} rows are fewer than the ${batch} samples that all ranks take at once`,
    why: 'an epoch would be empty',
    fix: 'give more rows, or lower train.microBatchSize',
  };
}
