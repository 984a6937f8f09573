import { bytesPerElement } from '../safetensors/dtypes.js';
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
  return hasOverlap(tensor.chunks) ? [`two chunks of ${fqn} overlap`] : [];
}

function isInside(chunk: DcpChunk, size: readonly number[]): boolean {
  if (chunk.offsets.length !== size.length || chunk.sizes.length !== size.length) return false;
  return size.every((limit, dimension) => at(chunk.offsets, dimension) + at(chunk.sizes, dimension) <= limit);
}

/** Sorted by the first dimension, a chunk can only overlap those that start before it ends. */
function hasOverlap(chunks: readonly DcpChunk[]): boolean {
  const sorted = chunks
    .filter((chunk) => volumeOf(chunk.sizes) > 0)
    .toSorted((left, right) => at(left.offsets, 0) - at(right.offsets, 0));
  return sorted.some((chunk, index) => {
    const end = at(chunk.offsets, 0) + at(chunk.sizes, 0);
    for (let next = index + 1; next < sorted.length; next += 1) {
      const other = sorted[next];
      if (other === undefined || (chunk.offsets.length > 0 && at(other.offsets, 0) >= end)) return false;
      if (doOverlap(chunk, other)) return true;
    }
    return false;
  });
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
  return volumeOf(chunk.sizes) * bytesPerElement(tensor.dtype);
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
  const renamed = [...metadata.keyPaths].filter(([fqn, path]) => path.join('.') !== fqn);
  return [
    ...unknown.map((fqn) => `${fqn} has a key path but is not in the list of entries`),
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
