import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One hash over the names and contents of files and folders.
 * @param {string} root
 * @param {readonly string[]} inputs relative to root; each must exist
 */
export function hashFiles(root, inputs) {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap((input) => listFiles(root, input))) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * All files under a path, sorted, relative to root; caches of Python are left out.
 * @param {string} root
 * @param {string} path
 * @returns {readonly string[]}
 */
export function listFiles(root, path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => name !== '__pycache__' && name !== 'node_modules')
    .toSorted()
    .flatMap((name) => listFiles(root, `${path}/${name}`));
}
