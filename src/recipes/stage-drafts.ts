import type { Source } from '../schemas/plan.js';
import type { PipelineSpec } from '../schemas/spec.js';

/** Samples that all ranks take in one optimizer step, without accumulation: the least number of rows. */
export function worldBatch(spec: PipelineSpec): number {
  return spec.fleet.hosts * spec.fleet.npusPerHost * spec.train.microBatchSize;
}

/** What follows the scheme of a source, such as the path of `path:` and `dcp:`. */
export function pathOf(source: string): string {
  return source.slice(source.indexOf(':') + 1);
}

/** What changes the trained weights: everything of `train` but retention and where to continue from. */
export function trainParameters(spec: PipelineSpec): object {
  const { checkpoint, fromCheckpoint: _read, ...rest } = spec.train;
  return { ...rest, checkpoint: { every: checkpoint.every, fidelity: checkpoint.fidelity } };
}

/** Folder of the given model and the field that names it, or null where the model is made or downloaded. */
export function givenModel({ weights: { source, original } }: PipelineSpec): { field: string; path: string } | null {
  if (source.startsWith('path:')) return { field: 'weights.source', path: pathOf(source) };
  return source.startsWith('dcp:') && original !== undefined ? { field: 'weights.original', path: original } : null;
}

/** The user's folders that the stage `weights` reads. */
export function weightSources(spec: PipelineSpec): Source[] {
  const model = givenModel(spec);
  return model === null ? [] : [folder(model.field, model.path)];
}

/** A folder of the user's that a stage reads, and the field of the spec that names it. */
export function folder(field: string, path: string): Source {
  return { field, path, kind: 'folder' };
}
