import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { listFiles } from '../../scripts/build/hash-files.js';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['src', 'scripts', 'test', 'bench'];
/** Shows that the test would tell. */
const TOO_NEW = 'test/fixtures/too-new.py';
const PROGRAM = `
import ast, sys
for path in sys.argv[1:]:
    try:
        ast.parse(open(path, encoding="utf-8").read(), path, feature_version=(3, 10))
    except SyntaxError as error:
        print(f"{error.filename}:{error.lineno}: {error.msg}")`;

/** What a Python as old as we support cannot read in these files. */
const complaints = (...files: readonly string[]): string =>
  execFileSync(join(ROOT, '.temper/venv/bin/python'), ['-c', PROGRAM, ...files], { cwd: ROOT, encoding: 'utf8' });

it('every Python file can be read by Python 3.10', () => {
  const files = FOLDERS.flatMap((folder) => listFiles(ROOT, folder)).filter((path) => path.endsWith('.py'));
  expect(files).toContain('src/recipes/cpu-tiny/python/train.py');
  expect(complaints(...files.filter((path) => path !== TOO_NEW))).toBe('');
});

it('what only newer ones can read is told', () => {
  expect(complaints(TOO_NEW)).toMatch(/too-new\.py:\d+: .*3\.11/);
});
