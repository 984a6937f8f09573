import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLog, tailLog } from '../../../src/host/processes/tail.js';

let dir = '';
let log = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'temper-tail-'));
  log = join(dir, 'log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Reads a whole log in pieces; fails when it stops progressing. */
async function readAll(maxBytes: number): Promise<{ readonly lines: readonly string[]; readonly offset: number }> {
  const lines: string[] = [];
  for (let offset = 0; ;) {
    const chunk = await readLog(log, offset, maxBytes);
    lines.push(...chunk.lines);
    if (chunk.nextOffset === offset) return { lines, offset };
    offset = chunk.nextOffset;
  }
}

describe('readLog', () => {
  it('goes on where it stopped and gives only whole lines', async () => {
    writeFileSync(log, 'one\ntw');
    const first = await readLog(log, 0);
    expect(first).toEqual({ lines: ['one'], progress: 'tw', nextOffset: 4, sizeBytes: 6, isReset: false });
    appendFileSync(log, 'o\r\n\nthree\n');
    const second = await readLog(log, first.nextOffset);
    expect(second).toMatchObject({ lines: ['two', '', 'three'], progress: null, nextOffset: 16 });
    expect(await readLog(log, second.nextOffset)).toMatchObject({ lines: [], progress: null, nextOffset: 16 });
  });

  it('gives of a progress bar its last state only, in bounded pieces, while it grows', async () => {
    const bar = Array.from({ length: 20_000 }, (_, step) => `\rEpoch 1: ${String(step).padStart(5)}/20000 [eta]`);
    writeFileSync(log, `start\n${bar.join('')}`);
    const { lines, offset } = await readAll(1_024);
    expect(lines).toEqual(['start']);
    const now = await readLog(log, offset, 1_024);
    expect(now).toMatchObject({ lines: [], progress: 'Epoch 1: 19999/20000 [eta]' });
    appendFileSync(log, '\rEpoch 1: done\nend\n');
    expect(await readLog(log, offset, 1_024)).toMatchObject({ lines: ['Epoch 1: done', 'end'], progress: null });
  });

  it('splits a line that is longer than a piece between characters', async () => {
    writeFileSync(log, `${'é'.repeat(50)}\n`);
    const { lines } = await readAll(33);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('')).toBe('é'.repeat(50));
  });

  it('starts again when the file became shorter, and takes a missing one as empty', async () => {
    expect(await readLog(log, 0)).toEqual({ lines: [], progress: null, nextOffset: 0, sizeBytes: 0, isReset: false });
    writeFileSync(log, 'new\n');
    expect(await readLog(log, 1_000)).toMatchObject({ lines: ['new'], nextOffset: 4, isReset: true });
    await expect(readLog(join(log, 'below'), 0)).rejects.toThrow(/ENOTDIR/);
  });

  it('property: pieces of any size give the lines of the file, whole where a piece can hold them', async () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'é', '😀', '\r', '\n', '\r\n', ' 50%|##'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 8, max: 200 }), async (parts, maxBytes) => {
        const whole = parts.join('');
        const raw = whole.split('\n').slice(0, -1);
        writeFileSync(log, whole);
        const { lines } = await readAll(maxBytes);
        for (const line of lines) expect(line).not.toMatch(/[\r\n\uFFFD]/);
        if (whole.split('\n').every((line) => Buffer.byteLength(line) < maxBytes)) {
          expect(lines).toEqual(raw.map((line) => line.replace(/\r+$/, '').replace(/^.*\r/s, '')));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('tailLog', () => {
  it('gives the last lines and says whether older ones were left out', async () => {
    expect(await tailLog(log)).toEqual({ lines: [], endOffset: 0, isTruncated: false });
    writeFileSync(log, 'one\ntwo\nthr\ree');
    expect(await tailLog(log)).toEqual({ lines: ['one', 'two', 'ee'], endOffset: 14, isTruncated: false });
    expect(await tailLog(log, { maxLines: 1 })).toMatchObject({ lines: ['ee'], isTruncated: true });
  });

  it('drops the half line at its beginning, but not the only one', async () => {
    writeFileSync(log, 'aaaaaaaa\nbbb\nccc\n');
    expect(await tailLog(log, { maxBytes: 10 })).toMatchObject({ lines: ['bbb', 'ccc'], isTruncated: true });
    writeFileSync(log, 'x'.repeat(100));
    expect(await tailLog(log, { maxBytes: 10 })).toMatchObject({ lines: ['xxxxxxxxxx'], endOffset: 100 });
  });
});
