import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { FileProblem } from '../../schemas/model-files.js';
import { NotRegularError, readRegular } from '../open-regular.js';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { checkpointProblem, unreadableProblem } from './problems.js';
import { hasCode } from '../system-error.js';

/** Name of the file that commits a save. */
export const METADATA_FILE = '.metadata';

/** The checkpoint folder that was meant; `dir` is null when there is none, and then there is a problem. */
export interface LocatedCheckpoint {
  readonly dir: string | null;
  readonly iteration: number | null;
  /** Whether the folder has a name of the training code's, which says the iteration. */
  readonly isNamed: boolean;
  readonly problems: readonly FileProblem[];
  readonly warnings: readonly FileProblem[];
}

/**
 * Finds the checkpoint that a folder means: the folder itself, or the one that the tracker in it names. An empty or
 * garbled tracker does not matter: then it is the newest one that was committed.
 */
export async function locateCheckpoint(path: string, layout: CheckpointLayout): Promise<LocatedCheckpoint> {
  const dir = resolve(path);
  try {
    return await locateIn(dir, layout);
  } catch (error) {
    const where = error instanceof Error && 'path' in error ? String(error.path) : dir;
    const unreadable = unreadableProblem('folder-unreadable', where, error);
    if (unreadable === null) throw error;
    return nothing(unreadable);
  }
}

async function locateIn(dir: string, layout: CheckpointLayout): Promise<LocatedCheckpoint> {
  const names = await listFolder(dir);
  if (names === null) return nothing(checkpointProblem('folder-missing', dir, 'there is no such folder'));
  const own = layout.parseFolder(basename(dir));
  const hasShards = names.some((name) => name === METADATA_FILE || layout.shardRank(name) !== null);
  // A folder of checkpoints may be called like one of them.
  const isParent = names.some((name) => name === layout.trackerFile || layout.parseFolder(name) !== null);
  if (hasShards || (own !== null && !isParent))
    return { ...found(dir, own?.iteration ?? null, []), isNamed: own !== null };
  return locateInParent(dir, names, layout);
}

async function locateInParent(
  dir: string,
  names: readonly string[],
  layout: CheckpointLayout,
): Promise<LocatedCheckpoint> {
  const tracker = join(dir, layout.trackerFile);
  const trackerText = names.includes(layout.trackerFile) ? await readTracker(tracker) : null;
  const tracked = trackerText === null ? null : layout.parseTracker(trackerText);
  if (tracked !== null && !names.includes(tracked)) {
    return nothing(checkpointProblem('checkpoint-missing', tracker, `it names ${tracked}, which is not there`));
  }
  const chosen = tracked ?? (await newestCommitted(dir, names, layout));
  if (chosen === null) {
    return nothing(checkpointProblem('checkpoint-missing', dir, 'no folder in it holds a committed checkpoint'));
  }
  const what = `${trackerText === null ? 'absent' : `it says ${JSON.stringify(trackerText.slice(0, 40))}`}; ${chosen} is checked`;
  const warnings = tracked === null ? [checkpointProblem('tracker-unusable', tracker, what)] : [];
  const newer = byAge(names, layout).filter((name) => ageOf(name, layout) > ageOf(chosen, layout));
  for (const name of newer) {
    const isCommitted = await hasMetadata(join(dir, name));
    if (!isCommitted) warnings.push(checkpointProblem('newer-incomplete', join(dir, name), 'it has no .metadata'));
  }
  return found(join(dir, chosen), layout.parseFolder(chosen)?.iteration ?? null, warnings);
}

/** What the tracker says; nothing when it is no file, as it is only a hint. */
async function readTracker(path: string): Promise<string> {
  try {
    return (await readRegular(path)).toString();
  } catch (error) {
    if (error instanceof NotRegularError || isNotThere(error)) return '';
    throw error;
  }
}

async function newestCommitted(
  dir: string,
  names: readonly string[],
  layout: CheckpointLayout,
): Promise<string | null> {
  for (const name of byAge(names, layout)) {
    if (await hasMetadata(join(dir, name))) return name;
  }
  return null;
}

/** Checkpoint folders, newest first; converted weights are older than any iteration. */
function byAge(names: readonly string[], layout: CheckpointLayout): readonly string[] {
  return names
    .filter((name) => layout.parseFolder(name) !== null)
    .toSorted((left, right) => ageOf(right, layout) - ageOf(left, layout));
}

function ageOf(name: string, layout: CheckpointLayout): number {
  return layout.parseFolder(name)?.iteration ?? -1;
}

async function hasMetadata(dir: string): Promise<boolean> {
  return (await listFolder(dir))?.includes(METADATA_FILE) ?? false;
}

/** The names in a folder, or null when there is no such folder. */
export async function listFolder(dir: string): Promise<readonly string[] | null> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}

/** Whether a path leads nowhere: nothing is there, a file stands on the way, or a link leads to itself. */
export function isNotThere(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP');
}

function found(dir: string, iteration: number | null, warnings: readonly FileProblem[]): LocatedCheckpoint {
  return { dir, iteration, isNamed: true, problems: [], warnings };
}

function nothing(problem: FileProblem): LocatedCheckpoint {
  return { dir: null, iteration: null, isNamed: false, problems: [problem], warnings: [] };
}
