import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastWrite, WriteWatch } from '../../../src/host/run/last-write.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'temper-last-write-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function write(path: string, seconds: number): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), 'x');
  await utimes(join(root, path), seconds, seconds);
}

describe('the last write', () => {
  it('is that of the newest file, of the folder itself or of the newest one within', async () => {
    expect(await lastWrite(join(root, 'missing'))).toBeNull();
    expect(await lastWrite(root)).toBeNull();
    await write('tracker.txt', 5);
    expect(await lastWrite(root)).toBe(5_000);
    await write('iter_2/a', 7);
    await write('iter_4/a', 9);
    await utimes(join(root, 'iter_2'), 1, 1);
    expect(await lastWrite(root)).toBe(9_000);
    await rm(join(root, 'iter_4'), { recursive: true });
    expect(await lastWrite(root)).toBe(7_000);
  });

  it('is followed without waiting for the file system', async () => {
    const watch = new WriteWatch(root);
    expect(watch.newest()).toBeNull();
    await write('iter_2/a', 7);
    await expect.poll(() => watch.newest()).toBe(7_000);
    await write('iter_2/a', 9);
    await expect.poll(() => watch.newest()).toBe(9_000);
  });
});
