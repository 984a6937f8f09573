import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { PaceFileSchema, type Pace } from '../../schemas/pace.js';
import { readJsonFile } from '../json-file.js';

/** Keeps what the ranks of a keeper did last. Not flushed to the disk: after a power cut nobody asks for it. */
export async function writePace(keeperDir: string, pace: Pace): Promise<void> {
  const file = { v: 1, at: new Date().toISOString(), pace };
  await writeFileAtomic(fileIn(keeperDir), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o644, fsync: false });
}

/** What the ranks of a keeper did last; null where nobody looked. */
export async function readPace(keeperDir: string): Promise<Pace | null> {
  return (await readJsonFile(fileIn(keeperDir), PaceFileSchema))?.pace ?? null;
}

function fileIn(keeperDir: string): string {
  return join(keeperDir, 'pace.json');
}
