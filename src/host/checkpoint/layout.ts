import type { StoredState } from '../../schemas/ledger.js';

/**
 * What the checks must know about the training code that wrote a checkpoint: names of files, folders and entries.
 * A recipe supplies it, so this folder knows the file format only.
 */
export interface CheckpointLayout {
  /** File beside the checkpoint folders that names the one to load. */
  readonly trackerFile: string;
  /** The folder that the tracker's text names, or null when the text names none. */
  parseTracker(text: string): string | null;
  /** What a folder name means, or null when it is not a checkpoint's. `iteration` is null for converted weights. */
  parseFolder(name: string): { readonly iteration: number | null } | null;
  /** Global rank that writes a shard file, or null when the name is not a shard's. */
  shardRank(fileName: string): number | null;
  /** Whether an entry belongs to the optimizer's state. */
  isOptimizer(fqn: string): boolean;
  /** Whether an entry counts the optimizer's steps: one number, equal for all parameters of one save. */
  isStepCounter(fqn: string): boolean;
  /** Entry that holds the training iteration as a number. */
  readonly iterationEntry: string;
  /** Which parts of the training state the entries of a checkpoint are. */
  storedState(fqns: Iterable<string>): StoredState;
}
