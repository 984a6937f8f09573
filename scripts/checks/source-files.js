import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../build/hash-files.js';

/**
 * A source file as the checks see it.
 * @typedef {{ path: string, text: string }} SourceFile path is relative to the project, with slashes
 */

/**
 * One thing that a check found.
 * @typedef {{ file: string, line: number, message: string }} Finding
 */

/**
 * Reads all files with one of the endings under some folders of a project. Throws when there is none: a check that
 * looked at nothing has proven nothing.
 * @param {string} root
 * @param {readonly string[]} folders
 * @param {readonly string[]} endings such as ".ts"
 * @returns {readonly SourceFile[]}
 */
export function readSources(root, folders, endings) {
  const paths = folders
    .flatMap((folder) => listFiles(root, folder))
    .filter((path) => endings.some((ending) => path.endsWith(ending)));
  if (paths.length === 0) throw new Error(`no ${endings.join(' or ')} file under ${folders.join(', ')} of ${root}`);
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/**
 * Line of a character offset, counted from 1.
 * @param {string} text
 * @param {number} offset
 */
export function lineAt(text, offset) {
  return text.slice(0, offset).split('\n').length;
}
