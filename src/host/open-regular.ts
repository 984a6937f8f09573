import { constants, open, type FileHandle } from 'node:fs/promises';

/** What lies at a path is no regular file, so that there are no contents to read. */
export class NotRegularError extends Error {
  override readonly name = 'NotRegularError';
}

/** Opens a file for reading; throws `NotRegularError` for a folder, a pipe, a device or a socket. */
export async function openRegular(path: string): Promise<FileHandle> {
  // A pipe without a writer would block the opening for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (facts.isFile()) return handle;
    throw new NotRegularError(facts.isDirectory() ? 'it is a folder, not a regular file' : 'it is not a regular file');
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of a regular file. */
export async function readRegular(path: string): Promise<Buffer> {
  const handle = await openRegular(path);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
