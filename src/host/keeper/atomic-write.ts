import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a small file as a whole and synchronously, mode 0600.
 *
 * Not `write-file-atomic`: it hooks the signals of its process, and handling those is a keeper's very task.
 * @param isDurable also survive a power cut, at the price of a disk flush
 */
export function writeJsonSync(path: string, value: unknown, isDurable: boolean): void {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
      if (isDurable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (isDurable) syncFolder(dirname(path));
}

function syncFolder(dir: string): void {
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
