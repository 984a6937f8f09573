/** A block of a tensor: where it starts and how far it reaches in each dimension, in elements. */
export interface DcpChunk {
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
}

/** A tensor of the checkpoint and the chunks that it was saved in. */
export interface DcpTensor {
  /** As safetensors spells it, else as torch does. */
  readonly dtype: string;
  readonly size: readonly number[];
  readonly chunks: readonly DcpChunk[];
}

/** Where one chunk of a tensor, or one pickled entry (`chunkOffsets` null), lies in its shard file, in bytes. */
export interface DcpItem {
  readonly fqn: string;
  readonly chunkOffsets: readonly number[] | null;
  readonly offset: number;
  readonly length: number;
}

/** A shard file as the metadata describes it. `maxEnd` is the size in bytes that the file must have. */
export interface DcpShard {
  readonly maxEnd: number;
  readonly items: readonly DcpItem[];
}

/** What the `.metadata` file of a PyTorch distributed checkpoint says; FQNs are flattened key paths. */
export interface DcpMetadata {
  readonly tensors: ReadonlyMap<string, DcpTensor>;
  /** FQNs of entries that are pickled objects instead of tensors. */
  readonly bytesEntries: ReadonlySet<string>;
  /** Shards by file name relative to the checkpoint folder. */
  readonly storage: ReadonlyMap<string, DcpShard>;
  /** FQN to the key path that it was flattened from; empty when the file does not tell. */
  readonly keyPaths: ReadonlyMap<string, readonly string[]>;
  /** Name of the folder that the checkpoint was saved in, where the file tells. */
  readonly savedIn: string | null;
  /** Format version; null before torch 2.8 or so, which wrote none. */
  readonly version: string | null;
  /** Classes and functions that a loader would import beyond the ones this format is made of. */
  readonly foreignGlobals: readonly string[];
}

/** `.metadata` cannot be used: what is wrong with it. */
export class DcpMetadataError extends Error {
  override readonly name = 'DcpMetadataError';
}
