import { readFileSync, readdirSync } from 'node:fs';
import type * as FilePromises from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AtomicOutput } from '../../../src/host/data/atomic-output.js';
import { scratchFolder } from './support.js';

// The disk is full when this many pieces were written; a real full disk needs a mount of its own, thus root.
const disk = vi.hoisted(() => ({ piecesLeft: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FilePromises>();
  const limited = (handle: FileHandle): FileHandle => {
    const write = handle.writeFile.bind(handle);
    handle.writeFile = async (...rest: Parameters<FileHandle['writeFile']>) => {
      disk.piecesLeft -= 1;
      if (disk.piecesLeft < 0) throw new Error('ENOSPC: no space left on device, write');
      return write(...rest);
    };
    return handle;
  };
  return { ...real, open: async (...rest: Parameters<typeof real.open>) => limited(await real.open(...rest)) };
});

afterEach(() => {
  disk.piecesLeft = Number.POSITIVE_INFINITY;
});

const MEGABYTE = 'x'.repeat(1024 * 1024);

describe('a full disk', () => {
  it.each([0, 1, 3])('after %i pieces is told with the output, and the temp file goes', async (pieces) => {
    const folder = scratchFolder();
    const output = await AtomicOutput.create(join(folder, 'out.json'));
    disk.piecesLeft = pieces;
    const write = async (): Promise<number> => {
      for (let piece = 0; piece < 6; piece += 1) await output.append(MEGABYTE);
      return output.commit();
    };
    await expect(write()).rejects.toMatchObject({
      id: 'data/output-unwritable',
      problem: { where: join(folder, 'out.json'), what: expect.stringContaining('ENOSPC') },
    });
    await output.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('at the last piece is found by commit', async () => {
    const folder = scratchFolder();
    const output = await AtomicOutput.create(join(folder, 'out.json'));
    await output.append('small');
    disk.piecesLeft = 0;
    await expect(output.commit()).rejects.toMatchObject({ id: 'data/output-unwritable' });
    await output.discard();
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('keeps the order of small and huge pieces, and counts bytes, not characters', async () => {
  const path = join(scratchFolder(), 'out.txt');
  const pieces = ['a', 'é'.repeat(500_000), '城', MEGABYTE, '🚲'.repeat(1_000_000), '', 'z'];
  const output = await AtomicOutput.create(path);
  for (const piece of pieces) await output.append(piece);
  const bytes = await output.commit();
  await output.discard();
  const text = pieces.join('');
  expect(readFileSync(path, 'utf8') === text).toBe(true);
  expect(bytes).toBe(Buffer.byteLength(text));
});
