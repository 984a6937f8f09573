import type { MeasuredTimes } from '../../recipe.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Revision } from '../revisions.js';

/** Everything that one host's part of a training follows from. Paths are absolute; nothing here is read or run. */
export interface TrainingFacts {
  readonly spec: PipelineSpec;
  readonly revision: Revision;
  readonly nodeRank: number;
  readonly nodes: number;
  readonly ranksPerNode: number;
  readonly masterAddress: string;
  readonly masterPort: number;
  /** Network interface of this host that carries the training address; null when it is not known. */
  readonly networkInterface: string | null;
  /** Whether the load view shows a checkpoint of training itself, not the converted weights. */
  readonly isResume: boolean;
  readonly folders: TrainingFolders;
  readonly data: DataFacts;
  readonly measured: MeasuredTimes;
}

/** Name of the folder of curves in a host's part of an attempt. */
export const CURVES = 'tensorboard';

/** Folders that the configuration of a training names. */
export interface TrainingFolders {
  /** Checkout of MindSpeed-MM, which is the working directory: the code opens files of its own relative to it. */
  readonly checkout: string;
  /** The original model in Hugging Face format: what the converter was given. */
  readonly hf: string;
  /** Where this host's three configuration files lie. */
  readonly config: string;
  readonly load: string;
  readonly save: string;
  /** Curves for TensorBoard; only the last rank writes. */
  readonly tensorboard: string;
  /** This host's own disk: caches that outlive an attempt. */
  readonly caches: string;
  /** This host's own disk: logs of the ranks, and of CANN, for this attempt. */
  readonly rankLogs: string;
  readonly plog: string;
}

/** What the configuration of a training says of the data. */
export interface DataFacts {
  /** Files of ready rows, in order. */
  readonly files: readonly string[];
  /** Folder that image names in the rows are relative to. */
  readonly mediaDir: string;
  /** Rows of all files; null when nobody counted. */
  readonly rows: number | null;
}

/** Ranks of the whole gang (WORLD_SIZE). */
export function worldSize({ nodes, ranksPerNode }: Pick<TrainingFacts, 'nodes' | 'ranksPerNode'>): number {
  return nodes * ranksPerNode;
}

/** Samples of one optimizer step over all ranks: micro batch x accumulation x data parallel size, all else being 1. */
export function globalBatch(facts: Pick<TrainingFacts, 'nodes' | 'ranksPerNode' | 'spec'>): number {
  const { microBatchSize, gradientAccumulation } = facts.spec.train;
  return microBatchSize * gradientAccumulation * worldSize(facts);
}
