import { readSources } from './source-files.js';

/** Rule 1 of CONTRIBUTING.md. */
const MAX_LINES = 300;
const FOLDERS = ['src', 'test', 'scripts', 'bin', 'bench'];
const ENDINGS = ['.ts', '.js', '.mjs', '.py'];

/**
 * Checks that no file has more than 300 lines.
 * @param {string} root
 * @param {readonly string[]} [folders]
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkFileSize(root, folders = FOLDERS) {
  const files = readSources(root, folders, ENDINGS).filter(({ path }) => !/^test\/(.*\/)?fixtures\//.test(path));
  const findings = files
    .map(({ path, text }) => ({ file: path, line: MAX_LINES + 1, count: text.trimEnd().split('\n').length }))
    .filter(({ count }) => count > MAX_LINES)
    .map(({ file, line, count }) => ({
      file,
      line,
      message: `${count} lines; ${MAX_LINES} at most: split it by reason to change`,
    }));
  return { looked: files.length, findings };
}
