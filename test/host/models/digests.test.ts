import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentDigest } from '../../../src/host/models/content-digest.js';
import { openDigests } from '../../../src/host/models/digests.js';
import { DigestCacheSchema } from '../../../src/schemas/digest-cache.js';

const HOUR = 3_600_000;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-digests-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The files came some time before, as those of a night do. */
const later = () => Date.now() + HOUR / 2;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function cached(model: string): Promise<Record<string, string>> {
  const text = await readFile(join(root, 'models', model, 'digests.json'), 'utf8');
  return DigestCacheSchema.parse(JSON.parse(text)).files;
}

describe('the hashes of a retrain', () => {
  it('are read from files that changed only, by size, inode or either time', async () => {
    const file = join(root, 'rows.json');
    await writeFile(file, 'one');
    const first = await openDigests(root, 'm', later);
    expect(await first.hash(file)).toBe(sha256('one'));
    await first.save(true);

    // What is kept is what is answered: it was not read.
    const files = await cached('m');
    const told = files[file]?.replace(sha256('one'), sha256('kept')) ?? '';
    await writeFile(join(root, 'models/m/digests.json'), JSON.stringify({ v: 1, files: { [file]: told } }));
    expect(await (await openDigests(root, 'm', later)).hash(file)).toBe(sha256('kept'));

    // Of the same size, and with the time set back, as tools do that copy times.
    const { atime, mtime } = await stat(file);
    await writeFile(file, 'two');
    await utimes(file, atime, mtime);
    expect(await (await openDigests(root, 'm', later)).hash(file)).toBe(sha256('two'));
  });

  it('are not kept of a file that was just written, nor of files that are not asked for any more', async () => {
    const [old, young] = [join(root, 'old.json'), join(root, 'young.json')];
    await writeFile(old, 'old');
    const first = await openDigests(root, 'n', later);
    await first.hash(old);
    await first.save(true);
    expect(Object.keys(await cached('n'))).toEqual([old]);
    await writeFile(young, 'young');
    const second = await openDigests(root, 'n');
    expect(await second.hash(young)).toBe(sha256('young'));
    await second.save(true);
    expect(await cached('n')).toEqual({});
  });

  it('may take longer the more there is to read, and no longer', async () => {
    const file = join(root, 'big.json');
    await writeFile(file, Buffer.alloc(20_000_000));
    let now = Date.now() + HOUR / 2;
    const digests = await openDigests(root, 'o', () => now);
    await digests.hash(file);
    now += HOUR + 2_040;
    await writeFile(join(root, 'next.json'), 'next');
    await digests.hash(join(root, 'next.json'));
    now += 100;
    await writeFile(join(root, 'last.json'), 'last');
    await expect(digests.hash(join(root, 'last.json'))).rejects.toThrow(/took 60 min for 20 MB/);
    // The next try goes on from there.
    await digests.save(false);
    expect(Object.keys(await cached('o'))).toContain(file);
    await (await openDigests(root, 'o', later)).save(false);
    expect(Object.keys(await cached('o'))).toContain(file);
  });

  it('make the same digest of a folder as without them', async () => {
    const digests = await openDigests(root, 'p', later);
    expect(await contentDigest(join(root, 'rows.json'), (file) => digests.hash(file))).toBe(
      await contentDigest(join(root, 'rows.json')),
    );
  });

  it('are made anew when they cannot be read', async () => {
    await writeFile(join(root, 'models/m/digests.json'), '{"v":1,"files":');
    const digests = await openDigests(root, 'm', later);
    expect(await digests.hash(join(root, 'old.json'))).toBe(sha256('old'));
  });
});
