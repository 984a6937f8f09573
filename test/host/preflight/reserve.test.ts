import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lookAtDisk } from '../../../src/host/preflight/disks.js';
import { tryToReserve } from '../../../src/host/preflight/reserve.js';

const root = mkdtempSync(join(tmpdir(), 'temper-reserve-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const isRoot = process.getuid?.() === 0;

describe('space that is needed', () => {
  it('is set aside and given back', async () => {
    const dir = mkdtempSync(join(root, 'reserve-'));
    expect(await tryToReserve(dir, 50_000_000)).toEqual({ bytes: 50_000_000 });
    expect(readdirSync(dir)).toEqual([]);
  });

  it.runIf(isRoot)('is refused where statfs tells of room that the file system does not give', async () => {
    const dir = mkdtempSync(join(root, 'reserve-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
    try {
      expect(await tryToReserve(dir, 8_000_000)).toEqual({ bytes: 8_000_000, refused: 'No space left on device' });
      expect(readdirSync(dir)).toEqual([]);
      expect((await lookAtDisk(dir)).freeBytes).toBeGreaterThan(4_000_000);
      expect(await tryToReserve(dir, 3_000_000)).toEqual({ bytes: 3_000_000 });
    } finally {
      execFileSync('umount', [dir]);
    }
  });

  it.each([
    [
      'the quota is smaller',
      'echo "fallocate: fallocate failed: Disk quota exceeded" >&2; exit 1',
      'Disk quota exceeded',
    ],
    ['the file system cannot', 'echo "fallocate: fallocate failed: Operation not supported" >&2; exit 1', null],
    ['it takes too long', 'exec sleep 60', null],
  ])('says so, or nothing, when %s', async (_, script, refused) => {
    const dir = mkdtempSync(join(root, 'reserve-'));
    const program = join(dir, 'fallocate');
    writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const bytes = 1e12;
    const limitMs = script.includes('sleep') ? 500 : 20_000;
    expect(await tryToReserve(dir, bytes, { program, limitMs })).toEqual(refused === null ? null : { bytes, refused });
    expect(await tryToReserve(dir, bytes, { program: join(dir, 'missing') })).toBeNull();
    expect(readdirSync(dir)).toEqual(['fallocate']);
  });
});
