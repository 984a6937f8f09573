import { mkdir } from 'node:fs/promises';

/** Makes a folder with all above it; one that is there stays. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}
