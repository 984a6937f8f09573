import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';

/** Writes files with their folders, each by rename: a command that reads one may be running already. */
export async function writeFiles(files: readonly { readonly path: string; readonly content: string }[]): Promise<void> {
  for (const { path, content } of files) {
    await makeFolder(dirname(path));
    await writeFileAtomic(path, content);
  }
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}
