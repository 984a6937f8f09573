import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyFixture, problemIds, verify } from './fixtures.js';

test('any damage inside a shard is an answer, never an exception (property)', async () => {
  const dir = join(await copyFixture('dcp-release'), 'release');
  const path = join(dir, '__0_0.distcp');
  const original = await readFile(path);
  const edit = fc.record({ offset: fc.nat({ max: original.length - 1 }), byte: fc.nat({ max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 400 }), async (edits) => {
      const damaged = Buffer.from(original);
      for (const { offset, byte } of edits) damaged[offset] = byte;
      await writeFile(path, damaged);
      const report = await verify(dir, true);
      expect(report.complete).toBe(report.problems.length === 0);
      for (const problem of report.problems) expect(problem).toMatchObject({ id: 'item-damaged', where: path });
    }),
    { numRuns: 200 },
  );
});

test('damage to any signature or end record is found (every one of them)', async () => {
  const dir = join(await copyFixture('dcp-release'), 'release');
  const path = join(dir, '__0_0.distcp');
  const original = await readFile(path);
  const signatures = ['PK\x05\x06', 'PK\x06\x06', 'PK\x01\x02'].flatMap((text) => positionsOf(original, text));
  expect(signatures.length).toBeGreaterThan(60);
  const silent: number[] = [];
  for (const position of signatures) {
    const damaged = Buffer.from(original);
    damaged[position] = 0;
    await writeFile(path, damaged);
    if ((await verify(dir, true)).complete) silent.push(position);
  }
  expect(silent).toEqual([]);
});

test('a directory that the loader of torch would not read is found: names, compression, encryption, sizes', async () => {
  const dir = join(await copyFixture('dcp-release'), 'release');
  const path = join(dir, '__0_0.distcp');
  const original = await readFile(path);
  const [entry = 0] = positionsOf(original, 'PK\x01\x02');
  const name = entry + 46;
  const folder = original.indexOf('/', name) - name;
  const [end = 0] = positionsOf(original, 'PK\x06\x06');
  const [locator = 0] = positionsOf(original, 'PK\x06\x07');
  expect((await verify(dir)).complete).toBe(true);
  // Offsets in an entry of the directory: flags, method, stored size, disk, name.
  const inEntry = [entry + 8, entry + 10, entry + 20, entry + 34, name, name + folder, name + folder + 1];
  // Offsets in the end record and its locator: length, disks, records on this disk; place of the record, disks.
  const inEnd = [end + 4, end + 16, end + 20, end + 24, locator + 8, locator + 16];
  for (const at of [...inEntry, ...inEnd]) {
    const damaged = Buffer.from(original);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await writeFile(path, damaged);
    expect({ at: at - entry, problems: problemIds(await verify(dir)) }).toEqual({
      at: at - entry,
      problems: ['item-damaged'],
    });
  }
});

/** Sizes are as they were: only looking into the shard tells. */
test.each([
  ['zeros, as a crash of the file system leaves it', 0, 29463],
  ['zeros from somewhere to its end', 16384, 29463],
  ['a block of zeros within', 12288, 16384],
])('a shard that holds %s', async (_, from, to) => {
  const dir = join(await copyFixture('dcp'), 'iter_0000004');
  const path = join(dir, '__1_0.distcp');
  await writeFile(path, (await readFile(path)).fill(0, from, to));
  for (const isDeep of [false, true]) {
    const report = await verify(dir, isDeep);
    expect(report.complete).toBe(false);
    expect(new Set(problemIds(report))).toEqual(new Set(['item-damaged']));
  }
});

function positionsOf(data: Buffer, text: string): readonly number[] {
  const positions: number[] = [];
  for (let at = data.indexOf(text, 0, 'latin1'); at >= 0; at = data.indexOf(text, at + 1, 'latin1')) positions.push(at);
  return positions;
}
