import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findBrokenSeals, sealCheckpoint } from '../../../src/host/checkpoint/seal.js';

const MIB = 1024 * 1024;
const SHARD = '__0_0.distcp';

test('a shard of up to 3 MiB is sealed whole, any other by its first, middle and last MiB', async () => {
  const { dir, content } = await aCheckpoint(3 * MIB);
  expect(await sealCheckpoint(dir, [SHARD])).toEqual({
    metadataSha256: sha256(Buffer.from('metadata')),
    shards: [{ file: SHARD, bytes: 3 * MIB, sha256: sha256(content) }],
  });
  const large = await aCheckpoint(8 * MIB + 2);
  const parts = [
    large.content.subarray(0, MIB),
    large.content.subarray(3.5 * MIB + 1, 4.5 * MIB + 1),
    large.content.subarray(-MIB),
  ];
  expect(await sealCheckpoint(large.dir, [SHARD])).toMatchObject({
    shards: [{ bytes: 8 * MIB + 2, sha256: sha256(Buffer.concat(parts)) }],
  });
});

test.each([
  ['the first byte', 0, true],
  ['the end of the first MiB', MIB - 1, true],
  ['behind the first MiB, which is not looked at', MIB, false],
  ['the middle', 4 * MIB, true],
  ['before the last MiB, which is not looked at', 7 * MIB - 1, false],
  ['the last byte', 8 * MIB - 1, true],
])('damage at %s', async (_, at, isFound) => {
  const { dir } = await aCheckpoint(8 * MIB);
  const seal = await sealCheckpoint(dir, [SHARD]);
  expect(await findBrokenSeals(dir, seal)).toEqual([]);
  await flip(join(dir, SHARD), at);
  const expected = { id: 'shard-changed', where: join(dir, SHARD), what: 'its content is not the one that was proven' };
  expect(await findBrokenSeals(dir, seal)).toEqual(isFound ? [expect.objectContaining(expected)] : []);
});

test('another size, a file that is gone, and other metadata are told apart', async () => {
  const { dir } = await aCheckpoint(MIB);
  const seal = await sealCheckpoint(dir, [SHARD]);
  await truncate(join(dir, SHARD), 2 * MIB);
  await writeFile(join(dir, '.metadata'), 'METADATA');
  expect(await findBrokenSeals(dir, seal)).toMatchObject([
    { id: 'metadata-changed', where: join(dir, '.metadata') },
    { id: 'shard-changed', what: `${2 * MIB} bytes, it had ${MIB} when it was proven` },
  ]);
  await rm(join(dir, SHARD));
  await rm(join(dir, '.metadata'));
  expect(await findBrokenSeals(dir, seal)).toMatchObject([
    { id: 'metadata-changed', what: 'it cannot be read any more: ENOENT' },
    { id: 'shard-changed', what: 'it cannot be read any more: ENOENT' },
  ]);
});

test('a shard of many GiB costs as little as a small one', async () => {
  const { dir } = await aCheckpoint(0);
  // Sparse: 64 GiB that take no space, and would take minutes to read.
  await truncate(join(dir, SHARD), 64 * 1024 * MIB);
  const startedAt = performance.now();
  expect(await sealCheckpoint(dir, [SHARD])).toMatchObject({
    shards: [{ bytes: 64 * 1024 * MIB, sha256: sha256(Buffer.alloc(3 * MIB)) }],
  });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

async function aCheckpoint(bytes: number): Promise<{ readonly dir: string; readonly content: Buffer }> {
  const dir = await mkdtemp(join(tmpdir(), 'temper-seal-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const content = Buffer.alloc(bytes);
  // Every 64 kB differ, so that a part at a wrong place has another hash.
  for (let at = 0; at + 4 <= bytes; at += 65_536) content.writeUInt32LE(at + 1, at);
  await writeFile(join(dir, SHARD), content);
  await writeFile(join(dir, '.metadata'), 'metadata');
  return { dir, content };
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ 1);
  await file.write(byte, 0, 1, at);
  await file.close();
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
