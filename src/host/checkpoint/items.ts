import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { chunkBytes } from './consistency.js';
import type { DcpItem, DcpMetadata } from './dcp-metadata.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { compareChecksum, readZipDirectory, TorchZipError, type ZipRecord } from './torch-zip.js';

/** What reading every item of every shard shows. */
export interface ItemFindings {
  readonly problems: readonly FileProblem[];
  /** Records of the archives whose content has the checksum that it was saved with. */
  readonly records: number;
  /** Those that were saved without one. */
  readonly unsummed: number;
}

/** Reads every item of every shard: a whole zip archive of the right length, with room for its elements, unchanged. */
export async function checkItems(dir: string, metadata: DcpMetadata): Promise<ItemFindings> {
  const needed = indexBytes(metadata);
  const perShard = await mapBounded([...metadata.storage], SHARDS_IN_FLIGHT, ([name, shard]) =>
    checkShardItems(join(dir, name), shard.items, needed),
  );
  return {
    problems: perShard.flatMap(({ problems }) => problems),
    records: perShard.reduce((sum, { records }) => sum + records, 0),
    unsummed: perShard.reduce((sum, { unsummed }) => sum + unsummed, 0),
  };
}

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
        for (const record of records) {
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

/** torch.save writes one `data.pkl` and the elements under `data/`. */
function checkRecords(records: readonly ZipRecord[], neededBytes: number): void {
  if (!records.some(({ name }) => name.endsWith('/data.pkl'))) throw new TorchZipError('it has no data.pkl');
  const elements = records.filter(({ name }) => /\/data\/\d+$/.test(name));
  const bytes = elements.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes < neededBytes) throw new TorchZipError(`its elements take ${bytes} bytes where ${neededBytes} are needed`);
}
