import type { FileProblem } from '../../schemas/model-files.js';
import { errorName, hasCode } from '../system-error.js';

/** Why each kind of finding matters and what to do about it. */
const ROWS = {
  'folder-missing': {
    why: 'there is nothing to load',
    fix: 'give an iteration folder or the folder that holds them',
  },
  'folder-unreadable': {
    why: 'nothing in it can be checked or loaded',
    fix: 'give the training user the right to read it (chmod, chown), or repair its disk',
  },
  'checkpoint-missing': {
    why: 'training would start from random weights without an error',
    fix: 'correct the tracker file, or name the iteration folder itself',
  },
  'metadata-missing': {
    why: 'the save was interrupted before it was committed',
    fix: 'use an older checkpoint and remove this folder',
  },
  'metadata-unreadable': {
    why: 'without it no tensor can be found in the shards',
    fix: 'give the training user the right to read it (chmod, chown), or use an older checkpoint',
  },
  'metadata-damaged': {
    why: 'without it no tensor can be found in the shards',
    fix: 'restore .metadata from a copy, or use an older checkpoint',
  },
  'metadata-inconsistent': {
    why: 'a load would fail or leave tensors partly unset',
    fix: 'use an older checkpoint',
  },
  'nothing-stored': {
    why: 'a load of it would leave the weights as they are and say nothing',
    fix: 'use an older checkpoint and remove this folder',
  },
  'shard-missing': {
    why: 'the load fails after it started, or each host sees only its own shards on an unshared file system',
    fix: 'restore the file from the host that wrote it, or use an older checkpoint; save to shared storage',
  },
  'shard-truncated': {
    why: 'the load fails after it started',
    fix: 'restore the file from a copy, or use an older checkpoint',
  },
  'shard-unreadable': { why: 'the load would fail', fix: 'make it a regular file that the training user can read' },
  'shard-name-unsafe': {
    why: 'a loader would read outside of the checkpoint folder',
    fix: 'do not use this checkpoint',
  },
  'shard-name-unknown': {
    why: 'no save of the training code writes its shards under such a name',
    fix: 'do not use this checkpoint',
  },
  'generation-mixed': {
    why: 'weights of different saves would be mixed without an error',
    fix: 'use an older checkpoint; never save twice into one folder',
  },
  'iteration-unknown': {
    why: 'parts of another save cannot be told by it, and a resume would count from nothing',
    fix: 'give the folder the name that the training code gave it, such as iter_0000500',
  },
  'ledger-damaged': {
    why: 'what the checkpoint was when it was proven cannot be compared, so a swap would not be found',
    fix: 'restore checkpoints.json of the run from a copy, or check a copy of the folder outside of the run with --deep',
  },
  'steps-differ': {
    why: 'a parameter without gradient in some steps counts fewer; one from an older save would, too',
    fix: 'nothing, where parts of the model take no part in some steps; else use an older checkpoint',
  },
  'steps-behind': {
    why: 'an optimizer that began anew counts fewer than the iterations; a shard of an older save does, too',
    fix: 'nothing, where training began anew at a later iteration or skipped steps; else use an older checkpoint',
  },
  'generation-untold': {
    why: 'shards of equal size from different saves would be mixed without an error',
    fix: 'only what was sealed when it was saved can be told: checkpoints of runs are (temper checkpoint ls RUN)',
  },
  'item-damaged': {
    why: 'the load fails after it started, or takes wrong values without an error',
    fix: 'restore the shard from a copy, or use an older checkpoint',
  },
  'shard-changed': {
    why: 'it was proven with other content: somebody swapped or damaged it since',
    fix: 'restore the file from a copy, or use an older checkpoint',
  },
  'metadata-changed': {
    why: 'it was proven with other content: somebody swapped or damaged it since',
    fix: 'restore .metadata from a copy, or use an older checkpoint',
  },
  'shard-larger': { why: 'nothing reads the rest, but nothing explains it either', fix: 'look at who wrote the file' },
  'shard-newer': {
    why: 'after a save the metadata is the newest file; copies and clocks can explain it, a second save too',
    fix: 'run the check with --deep, which reads everything and compares it with its checksums',
  },
  'tracker-unusable': {
    why: 'a crash can leave it empty; a load by the training code would stop there',
    fix: 'write the folder named here into it, or name the folder yourself',
  },
  'newer-incomplete': { why: 'its save was interrupted', fix: 'remove the folder' },
  'foreign-globals': {
    why: 'PyTorch imports these names when it loads the checkpoint, and runs what they do',
    fix: 'load it only when you trust who wrote it',
  },
} as const;

/** Ids of everything that a checkpoint can be refused for or warned about. */
export type CheckpointProblemId = keyof typeof ROWS;

/** Makes one finding from its facts. */
export function checkpointProblem(id: CheckpointProblemId, where: string, what: string): FileProblem {
  return { id, where, what, ...ROWS[id] };
}

/** Whether the system refuses a file for good, by rights, what it is, or a broken disk; a mount may come back. */
export function isRefusedForGood(error: unknown): boolean {
  return hasCode(error, 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG');
}

/** The finding for a file that the system refuses to read for good; null for any other error. */
export function unreadableProblem(id: CheckpointProblemId, where: string, error: unknown): FileProblem | null {
  return isRefusedForGood(error) ? checkpointProblem(id, where, `reading it answers ${errorName(error)}`) : null;
}
