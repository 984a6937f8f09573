import type { FileProblem } from '../../schemas/model-files.js';
import { someNames } from '../../domain/text/some-names.js';

/** Why each kind of finding matters and what to do about it. */
const ROWS = {
  'file-unreadable': { why: 'its tensors cannot be loaded', fix: 'restore the file and its permissions' },
  'header-damaged': { why: 'no tensor of the file can be found', fix: 'fetch or export the file again' },
  'size-wrong': { why: 'the file is cut or has foreign bytes in it', fix: 'fetch or export the file again' },
  'tensor-invalid': { why: 'the tensor would be refused or misread', fix: 'fetch or export the file again' },
  'index-damaged': { why: 'nothing says which file holds which tensor', fix: 'fetch or export the index again' },
  'folder-missing': {
    why: 'there is nothing to load',
    fix: 'correct the path, or mount the file system that it is on',
  },
  'weights-missing': {
    why: 'there is nothing to load',
    fix: 'give a folder with model.safetensors or model.safetensors.index.json',
  },
  'shard-missing': { why: 'its tensors would be missing', fix: 'fetch or export the file again' },
  'tensor-missing': { why: 'loading would leave it at random values', fix: 'fetch or export the model again' },
  'tensor-unindexed': { why: 'a loader that follows the index never sees it', fix: 'fetch or export the model again' },
  'tensor-twice': { why: 'which of them is loaded depends on the loader', fix: 'remove the file that does not belong' },
  'file-stray': {
    why: 'converters that read every .safetensors file merge its tensors in silently',
    fix: 'move it out of the folder',
  },
  'total-size-wrong': { why: 'index and shards are not of one export', fix: 'fetch or export the model again' },
  'tensor-extra': {
    why: 'the original has no such tensor: it is from another model',
    fix: 'export again from the right checkpoint',
  },
  'shape-differs': { why: 'it does not fit the original model', fix: 'export again with the right original' },
  'dtype-differs': { why: 'the export is not what was asked for', fix: 'export again, or ask for the other dtype' },
  'dtype-mixed': {
    why: 'some tensors were widened and others were not, so the export was interrupted or patched',
    fix: 'export again into an empty folder',
  },
  'config-damaged': { why: 'the model cannot be loaded without it', fix: "copy the original's config.json" },
  'config-dtype-wrong': {
    why: 'a loader that trusts it converts every weight on load',
    fix: 'set the field to the dtype that the files have',
  },
  'frozen-changed': {
    why: 'training must not touch it: freezing failed or the export mixed models',
    fix: 'check the freeze settings and export again',
  },
  'frozen-absent': { why: 'the check of frozen tensors would prove nothing', fix: 'correct the name pattern' },
  'not-finite': {
    why: 'training diverged or the conversion lost its values: whatever passes through it is no number',
    fix: 'look at loss and grad norm of the training; export from a checkpoint before they were no numbers',
  },
  'nothing-trained': {
    why: 'every tensor equals the original: training had no effect or the wrong checkpoint was exported',
    fix: 'export from the last training checkpoint',
  },
} as const;

/** Ids of everything that a model folder can be refused for. */
export type ModelProblemId = keyof typeof ROWS;

/** Makes one finding from its facts. */
export function modelProblem(id: ModelProblemId, where: string, what: string): FileProblem {
  return { id, where, what, ...ROWS[id] };
}

/** Names shown of a list that may hold thousands. */
const MAX_NAMES = 5;

/** `3 tensors: a, b, c`, or the first few of a long list. */
export function countNames(names: readonly string[]): string {
  const noun = names.length === 1 ? 'tensor' : 'tensors';
  return `${names.length} ${noun}: ${someNames(names, MAX_NAMES)}`;
}
