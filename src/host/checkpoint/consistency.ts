import { elementBytes } from './dcp-dtypes.js';
import type { DcpChunk, DcpMetadata, DcpShard, DcpTensor } from './dcp-metadata.js';

/** What contradicts itself in the metadata, as sentences; empty for every save that was committed whole. */
export function findContradictions(metadata: DcpMetadata): readonly string[] {
  return [
    ...[...metadata.tensors].flatMap(([fqn, tensor]) => findChunkErrors(fqn, tensor)),
    ...findStorageErrors(metadata),
    ...[...metadata.storage].flatMap(([file, shard]) => findShardErrors(file, shard)),
    ...findPathErrors(metadata),
  ];
}

function itemKey(fqn: string, chunkOffsets: readonly number[] | null): string {
  return chunkOffsets === null ? fqn : `${fqn}[${chunkOffsets.join(',')}]`;
}

/** Chunks must tile the tensor: inside its bounds, no two over one element, no element left out. */
function findChunkErrors(fqn: string, tensor: DcpTensor): readonly string[] {
  const outside = tensor.chunks.filter((chunk) => !isInside(chunk, tensor.size));
  if (outside.length > 0)
    return outside.map((chunk) => `chunk [${chunk.offsets.join(',')}] of ${fqn} lies outside of it`);
  const covered = tensor.chunks.reduce((sum, chunk) => sum + volumeOf(chunk.sizes), 0);
  const total = volumeOf(tensor.size);
  if (covered !== total) return [`the chunks of ${fqn} hold ${covered} of its ${total} elements`];
  const doesOverlap = hasOverlap(tensor.chunks);
  if (doesOverlap === null) return [`the ${tensor.chunks.length} chunks of ${fqn} are cut as no save cuts them`];
  return doesOverlap ? [`two chunks of ${fqn} overlap`] : [];
}

function isInside(chunk: DcpChunk, size: readonly number[]): boolean {
  if (chunk.offsets.length !== size.length || chunk.sizes.length !== size.length) return false;
  return size.every((limit, dimension) => at(chunk.offsets, dimension) + at(chunk.sizes, dimension) <= limit);
}

/** Whether two chunks overlap; null when they are cut in a way that no save cuts them, and that takes too long to tell. */
function hasOverlap(chunks: readonly DcpChunk[]): boolean | null {
  const filled = chunks.filter((chunk) => volumeOf(chunk.sizes) > 0);
  const dimension = mostCut(filled);
  // Sorted by one dimension, a chunk can only overlap those that start before it ends.
  const sorted = filled.toSorted((left, right) => at(left.offsets, dimension) - at(right.offsets, dimension));
  let pairs = MAX_NEIGHBOURS * sorted.length;
  for (const [index, chunk] of sorted.entries()) {
    const end = at(chunk.offsets, dimension) + at(chunk.sizes, dimension);
    for (let next = index + 1; next < sorted.length; next += 1) {
      const other = sorted[next];
      if (other === undefined || (chunk.offsets.length > 0 && at(other.offsets, dimension) >= end)) break;
      if (doOverlap(chunk, other)) return true;
      pairs -= 1;
      if (pairs < 0) return null;
    }
  }
  return false;
}

/** Chunks that one chunk is compared with on average: a tensor is cut along one or two dimensions, among the ranks. */
const MAX_NEIGHBOURS = 500;

/** The dimension that holds the most different starts, so that the fewest chunks stand beside each other. */
function mostCut(chunks: readonly DcpChunk[]): number {
  const starts = (chunks[0]?.offsets ?? []).map(
    (_, dimension) => new Set(chunks.map(({ offsets }) => at(offsets, dimension))).size,
  );
  return Math.max(0, starts.indexOf(Math.max(...starts)));
}

function doOverlap(left: DcpChunk, right: DcpChunk): boolean {
  return left.offsets.every((start, dimension) => {
    const otherStart = at(right.offsets, dimension);
    return start < otherStart + at(right.sizes, dimension) && otherStart < start + at(left.sizes, dimension);
  });
}

/** Every chunk and every pickled entry is stored exactly once, in enough bytes, and nothing else is. */
function findStorageErrors(metadata: DcpMetadata): readonly string[] {
  const neededBytes = new Map<string, number>([...metadata.bytesEntries].map((fqn) => [itemKey(fqn, null), 1]));
  for (const [fqn, tensor] of metadata.tensors) {
    for (const chunk of tensor.chunks) neededBytes.set(itemKey(fqn, chunk.offsets), chunkBytes(tensor, chunk));
  }
  const errors: string[] = [];
  const stored = new Set<string>();
  for (const item of [...metadata.storage.values()].flatMap((shard) => shard.items)) {
    const key = itemKey(item.fqn, item.chunkOffsets);
    const bytes = neededBytes.get(key);
    if (bytes === undefined) errors.push(`${key} is stored but not in the list of entries`);
    else if (item.length < bytes) errors.push(`${key} needs ${bytes} bytes and is stored in ${item.length}`);
    if (stored.has(key)) errors.push(`${key} is stored twice`);
    stored.add(key);
  }
  const unstored = [...neededBytes.keys()].filter((key) => !stored.has(key));
  return [...errors, ...unstored.map((key) => `${key} is stored nowhere`)];
}

/** Bytes of the elements of one chunk. */
export function chunkBytes(tensor: DcpTensor, chunk: DcpChunk): number {
  return Math.ceil(volumeOf(chunk.sizes) * elementBytes(tensor.dtype));
}

/** Items are appended one after the other, so they fill the file from its first byte without gap or overlap. */
function findShardErrors(file: string, shard: DcpShard): readonly string[] {
  const errors: string[] = [];
  let end = 0;
  for (const item of shard.items.toSorted((left, right) => left.offset - right.offset)) {
    if (item.offset !== end) errors.push(`${item.fqn} starts at byte ${item.offset} of ${file}, not at ${end}`);
    end = item.offset + item.length;
  }
  return errors;
}

/** The planner's key paths, where there are any, name the same entries as the list does. */
function findPathErrors(metadata: DcpMetadata): readonly string[] {
  if (metadata.keyPaths.size === 0) return [];
  const isEntry = (fqn: string): boolean => metadata.tensors.has(fqn) || metadata.bytesEntries.has(fqn);
  const unknown = [...metadata.keyPaths.keys()].filter((fqn) => !isEntry(fqn));
  const untold = [...metadata.tensors.keys(), ...metadata.bytesEntries].filter((fqn) => !metadata.keyPaths.has(fqn));
  const renamed = [...metadata.keyPaths].filter(([fqn, path]) => path.join('.') !== fqn);
  return [
    ...unknown.map((fqn) => `${fqn} has a key path but is not in the list of entries`),
    ...untold.map((fqn) => `${fqn} has no key path, though others have`),
    ...renamed.map(([fqn, path]) => `${fqn} was flattened from the other path ${path.join('.')}`),
  ];
}

function volumeOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}

/** A number of an equally long list. */
function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
