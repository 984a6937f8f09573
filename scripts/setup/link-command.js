import { mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = '../../bin/temper.js';

/**
 * Links the command, so that `npx temper` runs this checkout: without the link npx would look for a package of that
 * name in the registry. Node itself must be able to execute the file (mode 755, `#!`).
 * @param {string} root
 */
export function linkCommand(root) {
  const folder = join(root, 'node_modules', '.bin');
  const link = join(folder, 'temper');
  if (currentTarget(link) === TARGET) return;
  mkdirSync(folder, { recursive: true });
  const fresh = `${link}.${process.pid}`;
  symlinkSync(TARGET, fresh);
  renameSync(fresh, link);
}

function currentTarget(link) {
  try {
    return readlinkSync(link);
  } catch {
    // Absent, or something other than a link: replaced.
    return null;
  }
}
