import { keptWhileTraining } from '../../domain/checkpoints/ledger.js';
import type { Resources } from '../../schemas/plan.js';
import type { PipelineSpec } from '../../schemas/spec.js';

const GB = 1_000_000_000;

/** Bytes of the released model, BF16: 106 billion parameters. */
export const RELEASED_BYTES = 215 * GB;
/** Layers of its text model (num_hidden_layers of its config.json). */
export const RELEASED_LAYERS = 46;
/** Memory that a conversion takes per byte of its input: the mapped source and the merged copies. */
const RAM_PER_BYTE = 2;
/** Python with torch and the converter's imports, before any weight is read. */
const PROGRAM_RAM_BYTES = 1.5 * GB;
/** Trained weights are F32, twice the size of BF16. */
const TRAINED_PER_BYTE = 2;

/** Bytes that a hub gives, also where fewer layers are trained; 0 for weights that only a host can look at. */
export function downloadedBytes({ weights }: PipelineSpec): number {
  return /^(hf|modelscope):/.test(weights.source) ? RELEASED_BYTES : 0;
}

/** Bytes of the model that a spec trains, as far as a plan can know; 0 for weights that only a host can look at. */
export function plannedModelBytes(spec: PipelineSpec): number {
  return Math.ceil(downloadedBytes(spec) * keptShare(spec.weights.reduceLayers, RELEASED_LAYERS));
}

/** Share of a model that its first layers make up; what is no layer counts as one. */
export function keptShare(layers: number | undefined, all: number): number {
  return layers === undefined ? 1 : Math.min(1, (layers + 1) / all);
}

/** BF16. */
const BYTES_PER_PARAMETER = 2;

/** The parameters behind these bytes. Nearly all of the model learns, so all of it is counted. */
export function plannedParameters(spec: PipelineSpec): { readonly total: number; readonly trained: number } | null {
  const total = plannedModelBytes(spec) / BYTES_PER_PARAMETER;
  return total === 0 ? null : { total, trained: total };
}

/**
 * What converting a model of this size needs: the checkpoint on disk, beside it the folder of a reduced one, and twice
 * the weights in memory.
 */
export function convertResources(modelBytes: number, isReduced: boolean): Resources {
  if (modelBytes === 0) return { diskBytes: 0, ramBytes: 0 };
  return { diskBytes: (isReduced ? 2 : 1) * modelBytes, ramBytes: PROGRAM_RAM_BYTES + RAM_PER_BYTE * modelBytes };
}

/** Moments of the optimizer beside the weights: two numbers of F32 each for every weight that learns. */
const MOMENTS = 2;

/**
 * What the checkpoints of a training need: those that are kept, and the one that is being saved. Nearly all of the model
 * learns, so the moments are counted for all of it.
 */
export function trainResources(modelBytes: number, { keep, fidelity }: PipelineSpec['train']['checkpoint']): Resources {
  return { diskBytes: (keptWhileTraining(keep) + 1) * savedBytes(modelBytes, { fidelity }), ramBytes: 0 };
}

/** One checkpoint of a training. */
function savedBytes(modelBytes: number, { fidelity }: Pick<PipelineSpec['train']['checkpoint'], 'fidelity'>): number {
  const weights = TRAINED_PER_BYTE * modelBytes;
  return fidelity === 'full' ? weights * (1 + MOMENTS) : weights;
}

/**
 * What an export needs. Upstream loads the whole F32 checkpoint, with the moments where they were saved
 * (checkpoint/common/merge_dcp_to_hf.py names no keys to leave out), and writes F32 shards of 4 GB; a cast to BF16 then
 * stands beside it until the F32 files are removed.
 */
export function exportResources(
  modelBytes: number,
  { export: { dtype }, train }: Pick<PipelineSpec, 'export' | 'train'>,
): Resources {
  if (modelBytes === 0) return { diskBytes: 0, ramBytes: 0 };
  const trained = TRAINED_PER_BYTE * modelBytes;
  return {
    diskBytes: dtype === 'bf16' ? trained + modelBytes : trained,
    ramBytes: PROGRAM_RAM_BYTES + savedBytes(modelBytes, train.checkpoint) + SHARD_BYTES,
  };
}

/** Largest shard that upstream holds twice while it writes it. */
const SHARD_BYTES = 4 * GB;
