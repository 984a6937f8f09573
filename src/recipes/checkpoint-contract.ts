import type { StoredState } from '../schemas/ledger.js';

/**
 * What the checks must know about the training code that wrote a checkpoint: names of files, folders and entries. The
 * readers know the file format only.
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
  /** Whether an entry counts the optimizer's steps: one number, at most the iterations that were done. */
  isStepCounter(fqn: string): boolean;
  /** Entry that holds the training iteration as a number. */
  readonly iterationEntry: string;
  /** Which parts of the training state the entries of a checkpoint are. */
  storedState(fqns: Iterable<string>): StoredState;
}

/** Shape and number format of a tensor. */
export interface TensorShape {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** How a checkpoint is laid out, and how it relates to the original model. */
export interface CheckpointContract {
  /** Names of files, folders and entries that the training code uses. */
  readonly layout: CheckpointLayout;
  /** Folder name of an iteration's checkpoint. */
  iterationFolder(iteration: number): string;
  /** Folder name and tracker text of converted weights that were never trained. */
  readonly converted: { readonly folder: string; readonly tracker: string };
  /**
   * Differences between a converted checkpoint and the original that it was made from: one sentence for each
   * tensor that is missing, extra, or of another shape or number format. `config` is the parsed config.json.
   */
  compareConverted(
    original: ReadonlyMap<string, TensorShape>,
    config: unknown,
    converted: ReadonlyMap<string, TensorShape>,
  ): readonly string[];
}
