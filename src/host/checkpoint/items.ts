import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { chunkBytes } from './consistency.js';
import type { DcpItem, DcpMetadata } from './dcp-metadata.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { compareChecksum, readZipDirectory, TorchZipError, type ZipRecord } from './torch-zip.js';

/** What looking into the items of every shard shows. */
export interface ItemFindings {
  readonly problems: readonly FileProblem[];
  /** Records of the archives, as far as they were read, whose content has the checksum that it was saved with. */
  readonly records: number;
  /** Those that were saved without one. */
  readonly unsummed: number;
}

/**
 * Looks into items of every shard: whole zip archives of the right length, with room for their elements. With `isDeep`
 * every one is read, and must be unchanged. Without, it is three small reads, no tensor data, for `ITEMS_LOOKED_AT` of
 * them, spread evenly from the first to the last of each shard: a crash leaves zeros up to the end of a file, or in
 * blocks of it.
 */
export async function checkItems(dir: string, metadata: DcpMetadata, isDeep: boolean): Promise<ItemFindings> {
  const needed = indexBytes(metadata);
  const most = Math.max(MIN_ITEMS_PER_SHARD, Math.floor(ITEMS_LOOKED_AT / metadata.storage.size));
  const perShard = await mapBounded([...metadata.storage], SHARDS_IN_FLIGHT, ([name, shard]) => {
    const items = shard.items.toSorted((a, b) => a.offset - b.offset);
    return checkShardItems(join(dir, name), isDeep ? items : spread(items, most), needed, isDeep);
  });
  return {
    problems: perShard.flatMap(({ problems }) => problems),
    records: perShard.reduce((sum, { records }) => sum + records, 0),
    unsummed: perShard.reduce((sum, { unsummed }) => sum + unsummed, 0),
  };
}

/** At most `most` (2 or more) of some things, evenly spaced, the first and the last among them. */
export function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  const step = (all.length - 1) / (most - 1);
  const chosen = new Set(Array.from({ length: most }, (_, index) => Math.round(index * step)));
  return all.filter((_, index) => chosen.has(index));
}

/** 12 000 reads of one save: a few seconds of a shared file system; 32 items of each shard where 128 ranks save. */
const ITEMS_LOOKED_AT = 4096;
const MIN_ITEMS_PER_SHARD = 8;

/** Node works on four file requests at once; more shards would only queue. */
const SHARDS_IN_FLIGHT = 4;

/** One damaged region breaks many items; the first ones of a shard say enough. */
const MAX_PROBLEMS_PER_SHARD = 3;

/** Bytes that the elements of each stored chunk take. */
function indexBytes(metadata: DcpMetadata): ReadonlyMap<string, number> {
  const needed = new Map<string, number>();
  for (const [fqn, tensor] of metadata.tensors) {
    for (const chunk of tensor.chunks) needed.set(`${fqn}[${chunk.offsets.join(',')}]`, chunkBytes(tensor, chunk));
  }
  return needed;
}

async function checkShardItems(
  path: string,
  items: readonly DcpItem[],
  needed: ReadonlyMap<string, number>,
  isDeep: boolean,
): Promise<ItemFindings> {
  const problems: FileProblem[] = [];
  const counts = { records: 0, unsummed: 0 };
  const file = await open(path, 'r');
  try {
    for (const item of items) {
      if (problems.length === MAX_PROBLEMS_PER_SHARD) break;
      try {
        const records = await readZipDirectory(file, item.offset, item.length);
        checkRecords(
          records,
          item.chunkOffsets === null ? 0 : (needed.get(`${item.fqn}[${item.chunkOffsets.join(',')}]`) ?? 0),
        );
        for (const record of isDeep ? records : []) {
          counts[(await compareChecksum(file, item.offset, record)) ? 'records' : 'unsummed'] += 1;
        }
      } catch (error) {
        const found =
          error instanceof TorchZipError
            ? checkpointProblem('item-damaged', path, `${item.fqn} at byte ${item.offset}: ${error.message}`)
            : unreadableProblem('shard-unreadable', path, error);
        if (found === null) throw error;
        problems.push(found);
      }
    }
  } finally {
    await file.close();
  }
  return { problems, ...counts };
}

/** torch.save writes one `data.pkl` and the elements as `data/0`, `data/1`, ... */
function checkRecords(records: readonly ZipRecord[], neededBytes: number): void {
  if (!records.some(({ name }) => name.endsWith('/data.pkl'))) throw new TorchZipError('it has no data.pkl');
  const elements = records.filter(({ name }) => /\/data\/\d+$/.test(name));
  const names = new Set(elements.map(({ name }) => name.slice(name.lastIndexOf('/') + 1)));
  const missing = elements.findIndex((_, index) => !names.has(String(index)));
  if (missing >= 0) throw new TorchZipError(`it has no data/${missing}`);
  const bytes = elements.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes < neededBytes) throw new TorchZipError(`its elements take ${bytes} bytes where ${neededBytes} are needed`);
}
