import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNpmTreeCurrent } from '../../scripts/setup/npm-packages.js';

const A = { version: '1.0.0', integrity: 'sha512-a' };
const OTHER_PLATFORM = { version: '1.0.0', integrity: 'sha512-o', optional: true };
const LOCK = { '': { name: 'x' }, 'node_modules/a': A, 'node_modules/other-platform': OTHER_PLATFORM };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'temper-npm-'));
  mkdirSync(join(root, 'node_modules/a'), { recursive: true });
  write('package-lock.json', LOCK);
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (file: string, packages: unknown): void => writeFileSync(join(root, file), JSON.stringify({ packages }));
const installed = (packages: unknown): void => write('node_modules/.package-lock.json', packages);

describe('isNpmTreeCurrent', () => {
  it('accepts a complete tree, without optional packages of other platforms', () => {
    installed({ 'node_modules/a': A });
    expect(isNpmTreeCurrent(root)).toBe(true);
  });

  it.each([
    ['another version', { 'node_modules/a': { ...A, version: '1.0.1' } }],
    ['another content', { 'node_modules/a': { ...A, integrity: 'sha512-b' } }],
    ['a package too many', { 'node_modules/a': A, 'node_modules/b': A }],
    ['a package too few', {}],
  ])('refuses %s', (_name, packages) => {
    installed(packages);
    expect(isNpmTreeCurrent(root)).toBe(false);
  });

  it('refuses a tree that was never finished or lost a folder', () => {
    expect(isNpmTreeCurrent(root)).toBe(false);
    installed({ 'node_modules/a': A });
    rmSync(join(root, 'node_modules/a'), { recursive: true });
    expect(isNpmTreeCurrent(root)).toBe(false);
  });
});
