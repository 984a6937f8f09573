import { appendFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bringToCache, placeFile } from '../../../src/host/download/cache.js';
import {
  fetchSource,
  gitBlob,
  namesIn,
  randomBytes,
  remoteFile,
  scratchFolder,
  sha256,
  startServer,
  transferOptions,
} from './support.js';

const SIZE = 300_000;
const CONTENT = randomBytes(SIZE);

describe('a file with a known hash', () => {
  it.each([0, 1, 49_999, 50_000, 50_001, 99_999, 100_000, SIZE])('of %i bytes arrives whole', async (size) => {
    const server = await startServer();
    const content = CONTENT.subarray(0, size);
    const cache = scratchFolder();
    const { cached, fetched } = await bringToCache(
      cache,
      remoteFile(server.serve('/f', content), content),
      transferOptions(),
    );
    expect(readFileSync(cached).equals(content)).toBe(true);
    expect(fetched).toEqual({ path: 'file.bin', bytes: size, sha256: sha256(content), proof: 'sha256', etag: null });
    expect(namesIn(cache)).toEqual([`sha256-${sha256(content)}`]);
  });

  it('comes over several connections, each byte once', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    await bringToCache(cache, remoteFile(server.serve('/f', CONTENT), CONTENT), transferOptions());
    const ranges = server.seen.map(({ headers }) => headers.range);
    expect(ranges).toHaveLength(6);
    expect(server.sentBytes).toBe(SIZE);
    expect(server.seen.slice(1).every(({ headers }) => headers['if-range'] !== undefined)).toBe(true);
  });

  it('is found in the cache without asking, and hashed again', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const file = remoteFile(server.serve('/f', CONTENT), CONTENT);
    const { cached } = await bringToCache(cache, file, transferOptions());
    server.seen.length = 0;
    await bringToCache(cache, file, transferOptions());
    expect(server.seen).toEqual([]);
    writeFileSync(cached, randomBytes(SIZE, 2));
    const options = transferOptions();
    await bringToCache(cache, file, options);
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
    expect(options.notes.join()).toContain('was changed since');
  });

  it('gets a time that follows from its content', async () => {
    const server = await startServer();
    const times = [];
    for (let round = 0; round < 2; round += 1) {
      const { cached } = await bringToCache(
        scratchFolder(),
        remoteFile(server.serve('/f', CONTENT), CONTENT),
        transferOptions(),
      );
      times.push(statSync(cached).mtimeMs);
    }
    expect(times[0]).toBe(times[1]);
    expect(times[0]).toBeLessThan(Date.now());
  });
});

describe('a file without a known hash', () => {
  it('is taken with what its version is called, and asked for anew when that changes', async () => {
    const server = await startServer();
    const cache = scratchFolder();
    const file = remoteFile(server.serve('/f', CONTENT), CONTENT, { kind: 'none' }, null);
    const first = await bringToCache(cache, file, transferOptions());
    expect(first.fetched).toMatchObject({ proof: 'none', sha256: sha256(CONTENT), etag: expect.stringMatching(/^"/) });
    const sent = server.sentBytes;
    await bringToCache(cache, file, transferOptions());
    expect(server.sentBytes - sent).toBeLessThan(10);
    const other = randomBytes(SIZE, 3);
    server.serve('/f', other);
    const second = await bringToCache(cache, file, transferOptions());
    expect(readFileSync(second.cached).equals(other)).toBe(true);
  });

  it('is not put together from parts whose version nobody told', async () => {
    const server = await startServer();
    const file = remoteFile(server.serve('/f', CONTENT, { etag: null }), CONTENT, { kind: 'none' }, null);
    const cache = scratchFolder();
    await expect(
      bringToCache(cache, file, {
        ...transferOptions(),
        onBytes: () => {
          throw new Error('stopped by the test');
        },
      }),
    ).rejects.toThrow('stopped by the test');
    const other = randomBytes(SIZE, 4);
    server.serve('/f', other, { etag: null });
    const { cached } = await bringToCache(cache, file, transferOptions());
    expect(readFileSync(cached).equals(other)).toBe(true);
  });

  it('continues by its date where it has no ETag', async () => {
    const server = await startServer();
    const date = new Date(1e12).toUTCString();
    const file = remoteFile(
      server.serve('/f', CONTENT, { etag: null, lastModified: date }),
      CONTENT,
      { kind: 'none' },
      null,
    );
    await bringToCache(scratchFolder(), file, transferOptions());
    expect(server.seen.slice(1).every(({ headers }) => headers['if-range'] === date)).toBe(true);
    expect(server.seen.length).toBeGreaterThan(2);
  });

  it.each([
    ['whole', () => ({ kind: 'whole' }) as const],
    ['in parts', () => null],
  ])('must not be a web page, %s', async (_how, fault) => {
    const server = await startServer();
    server.fault = fault;
    const url = server.serve('/rows.json', Buffer.from('<html>please log in</html>'), {
      type: 'text/html; charset=utf-8',
    });
    await expect(
      bringToCache(scratchFolder(), remoteFile(url, CONTENT, { kind: 'none' }, null), transferOptions()),
    ).rejects.toMatchObject({ problem: { code: 'DownloadRefused', what: expect.stringContaining('web page') } });
  });
});

it('a git blob id is compared, too', async () => {
  const server = await startServer();
  const url = server.serve('/f', CONTENT);
  const cache = scratchFolder();
  const { fetched } = await bringToCache(
    cache,
    remoteFile(url, CONTENT, { kind: 'git-blob', hex: gitBlob(CONTENT) }),
    transferOptions(),
  );
  expect(fetched).toMatchObject({ proof: 'git-blob', sha256: sha256(CONTENT) });
  await expect(
    bringToCache(cache, remoteFile(url, CONTENT, { kind: 'git-blob', hex: '0'.repeat(40) }), transferOptions()),
  ).rejects.toMatchObject({ problem: { code: 'DownloadUnproven' } });
});

describe('placing', () => {
  it('links the file, replaces what stood there, and may be repeated', async () => {
    const server = await startServer();
    const file = await bringToCache(
      scratchFolder(),
      remoteFile(server.serve('/f', CONTENT), CONTENT),
      transferOptions(),
    );
    const folder = scratchFolder();
    const target = join(folder, 'deep', 'name.bin');
    await placeFile(file, target);
    await placeFile(file, target);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['name.bin']);
    expect(statSync(target).ino).toBe(statSync(file.cached).ino);
  });
});

it('a file that is removed from the cache before it is in place is brought again', async () => {
  const server = await startServer();
  const cache = scratchFolder();
  const output = join(scratchFolder(), 'f.bin');
  let isRemoved = false;
  await fetchSource(
    server.serve('/f', CONTENT),
    output,
    {},
    {
      ...{ cache, isFile: true, sha256: sha256(CONTENT) },
      onProgress: ({ doneFiles }) => {
        if (doneFiles === 0 || isRemoved) return;
        rmSync(join(cache, `sha256-${sha256(CONTENT)}`));
        isRemoved = true;
      },
    },
  );
  expect(isRemoved).toBe(true);
  expect(readFileSync(output).equals(CONTENT)).toBe(true);
  expect(server.sentBytes).toBe(2 * SIZE);
});

it('a journal that is damaged, or speaks of bytes that are not there, only costs what was downloaded', async () => {
  const server = await startServer();
  const cache = scratchFolder();
  const file = remoteFile(server.serve('/f', CONTENT), CONTENT);
  const part = join(cache, `sha256-${sha256(CONTENT)}.part`);
  for (const journal of [
    'not JSON',
    JSON.stringify({ v: 1, name: 'f', bytes: SIZE, validator: server.files.get('/f')?.etag, done: [[0, SIZE]] }),
  ]) {
    writeFileSync(part, 'short');
    writeFileSync(`${part}.json`, journal);
    const { cached } = await bringToCache(cache, file, transferOptions());
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
    appendFileSync(cached, 'x');
  }
});
