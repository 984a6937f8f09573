import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { mapBounded } from '../../domain/map-bounded.js';
import { openRegular } from '../open-regular.js';
import type { DcpMetadata } from './dcp-metadata.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { listFolder, METADATA_FILE } from './locate.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { nullIfMissing } from '../system-error.js';

/** What the shard files of a checkpoint are like, compared with its metadata. */
export interface ShardFindings {
  /** Ranks that saved, from the names of the listed shards and of empty ones of ranks that had nothing to save. */
  readonly ranks: readonly number[];
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/** Compares names, sizes and times of the shard files with what the metadata says. */
export async function checkShards(
  dir: string,
  metadata: DcpMetadata,
  layout: CheckpointLayout,
): Promise<ShardFindings> {
  const metadataMtimeMs = (await stat(join(dir, METADATA_FILE))).mtimeMs;
  const listed = await mapBounded([...metadata.storage], STATS_IN_FLIGHT, async ([name, shard]) =>
    layout.shardRank(name) === null ? refuseName(dir, name) : checkListed(dir, name, shard.maxEnd, metadataMtimeMs),
  );
  const present = (await listFolder(dir)) ?? [];
  const others = present.filter((name) => layout.shardRank(name) !== null && !metadata.storage.has(name));
  const unlisted = await mapBounded(others, STATS_IN_FLIGHT, (name) => checkUnlisted(dir, name));
  const names = [...metadata.storage.keys(), ...others];
  return {
    ranks: [...new Set(names.map((name) => layout.shardRank(name)).filter((rank) => rank !== null))],
    problems: [...listed, ...unlisted].flatMap((finding) => finding.problems),
    warnings: [...listed, ...unlisted].flatMap((finding) => finding.warnings),
  };
}

/** Network file systems answer slowly but many at once; Node itself works on four. */
const STATS_IN_FLIGHT = 16;

/** Clocks of hosts that write to one file system differ by less. */
const CLOCK_TOLERANCE_MS = 2000;

type Findings = Omit<ShardFindings, 'ranks'>;

/** A name that is no shard's may be another file of the folder, such as the metadata itself, or lie outside of it. */
function refuseName(dir: string, name: string): Findings {
  const isOutside = name === '' || name === '..' || basename(name) !== name;
  const id = isOutside ? 'shard-name-unsafe' : 'shard-name-unknown';
  return problem(id, join(dir, name), `the metadata names the file ${JSON.stringify(name)}`);
}

async function checkListed(dir: string, name: string, maxEnd: number, metadataMtimeMs: number): Promise<Findings> {
  const file = join(dir, name);
  const facts = await lookAt(file);
  if (facts === null) return problem('shard-missing', file, `the metadata says ${maxEnd} bytes, there is no file`);
  if ('id' in facts) return { problems: [facts], warnings: [] };
  if (!facts.isFile()) return problem('shard-unreadable', file, 'it is not a regular file');
  const refused = await findRefusal(file);
  if (refused !== null) return { problems: [refused], warnings: [] };
  if (facts.size < maxEnd) return problem('shard-truncated', file, `${facts.size} of ${maxEnd} bytes are there`);
  const warnings: FileProblem[] = [];
  if (facts.size > maxEnd) {
    warnings.push(checkpointProblem('shard-larger', file, `${facts.size} bytes, the metadata says ${maxEnd}`));
  }
  const newerMs = Math.round(facts.mtimeMs - metadataMtimeMs);
  if (newerMs > CLOCK_TOLERANCE_MS) {
    warnings.push(checkpointProblem('shard-newer', file, `written ${newerMs} ms after .metadata`));
  }
  return { problems: [], warnings };
}

async function lookAt(file: string): Promise<Stats | FileProblem | null> {
  try {
    return await stat(file);
  } catch (error) {
    return unreadableProblem('shard-unreadable', file, error) ?? nullIfMissing(error);
  }
}

/** Sizes are told to anybody; whether the content is, only opening the file tells. */
async function findRefusal(file: string): Promise<FileProblem | null> {
  try {
    await (await openRegular(file)).close();
    return null;
  } catch (error) {
    const refused = unreadableProblem('shard-unreadable', file, error);
    if (refused === null) throw error;
    return refused;
  }
}

/** A rank without anything to save leaves an empty file; any other file comes from another save. */
async function checkUnlisted(dir: string, name: string): Promise<Findings> {
  const file = join(dir, name);
  const facts = await lookAt(file);
  if (facts === null || 'id' in facts || facts.size === 0) return { problems: [], warnings: [] };
  return problem('generation-mixed', file, `${facts.size} bytes that the metadata does not know`);
}

function problem(id: Parameters<typeof checkpointProblem>[0], where: string, what: string): Findings {
  return { problems: [checkpointProblem(id, where, what)], warnings: [] };
}
