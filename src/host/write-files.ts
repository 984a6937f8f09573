import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { makeFolder } from './make-folder.js';

/** Writes files with their folders, each by rename: a command that reads one may be running already. */
export async function writeFiles(files: readonly { readonly path: string; readonly content: string }[]): Promise<void> {
  for (const { path, content } of files) {
    await makeFolder(dirname(path));
    await writeFileAtomic(path, content);
  }
}
