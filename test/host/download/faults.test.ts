import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bringToCache } from '../../../src/host/download/cache.js';
import type { Fault } from './hostile-server.js';
import { namesIn, randomBytes, remoteFile, scratchFolder, sha256, startServer, transferOptions } from './support.js';

const SIZE = 300_000;
const CONTENT = randomBytes(SIZE);

/** Faults that a second, sound answer makes good. */
const ONCE: readonly (readonly [string, Fault])[] = [
  ['a drop at the first byte', { kind: 'drop', after: 0 }],
  ['a drop in the middle', { kind: 'drop', after: 20_000 }],
  ['an answer that ends early', { kind: 'truncate', after: 20_000 }],
  ['the whole file instead of a part', { kind: 'whole' }],
  ['a Content-Range of another part', { kind: 'content-range', value: 'bytes 7-50006/300000' }],
  ['a Content-Range beyond the part', { kind: 'content-range', value: 'bytes 0-299999/300000' }],
  ['a Content-Range of another size', { kind: 'content-range', value: 'bytes 0-49999/300001' }],
  ['no Content-Range', { kind: 'content-range', value: null }],
  ['a Content-Range that is none', { kind: 'content-range', value: 'bytes */*' }],
  ['bytes of another place', { kind: 'shifted' }],
  ['more bytes than asked for', { kind: 'longer' }],
  ['wrong bytes', { kind: 'bytes' }],
  ['another version', { kind: 'etag', etag: '"other"' }],
  ['no version', { kind: 'etag', etag: null }],
  ['a coding that was not asked for', { kind: 'encoded' }],
  ['silence', { kind: 'stall', after: 10_000 }],
  ['503', { kind: 'status', status: 503 }],
  ['500', { kind: 'status', status: 500 }],
  ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '0' } }],
  ['429 that asks for a year', { kind: 'status', status: 429, headers: { 'retry-after': '31536000' } }],
  ['503 with a date', { kind: 'status', status: 503, headers: { 'retry-after': new Date(0).toUTCString() } }],
  ['408', { kind: 'status', status: 408 }],
];

describe('a server that fails once', () => {
  it.each(ONCE)('%s, at the first request', async (_name, fault) => {
    const server = await startServer();
    server.fault = (_request, index) => (index === 0 ? fault : null);
    const { cached } = await bringToCache(
      scratchFolder(),
      remoteFile(server.serve('/f', CONTENT), CONTENT),
      transferOptions(),
    );
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
  });

  it.each(ONCE)('%s, at a later part', async (_name, fault) => {
    const server = await startServer();
    let faults = 0;
    server.fault = ({ headers }) =>
      headers.range?.startsWith('bytes=100000-') === true && faults++ === 0 ? fault : null;
    const { cached } = await bringToCache(
      scratchFolder(),
      remoteFile(server.serve('/f', CONTENT), CONTENT),
      transferOptions(),
    );
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
    expect(faults).toBeGreaterThan(0);
  });
});

/** Faults that never end, and what they are told as. */
const ALWAYS: readonly (readonly [string, Fault, string, string])[] = [
  ['drops', { kind: 'drop', after: 0 }, 'DownloadFailed', ''],
  ['early ends without bytes', { kind: 'truncate', after: 0 }, 'DownloadFailed', 'ends after 0'],
  ['wrong bytes', { kind: 'bytes' }, 'DownloadUnproven', 'its sha256 is'],
  ['more bytes', { kind: 'longer' }, 'DownloadFailed', 'more than 300000 bytes'],
  ['silence', { kind: 'stall', after: 0 }, 'DownloadFailed', ''],
  ['503', { kind: 'status', status: 503 }, 'DownloadFailed', 'answers 503'],
  ['429', { kind: 'status', status: 429 }, 'DownloadFailed', 'answers 429'],
  ['404', { kind: 'status', status: 404 }, 'DownloadRefused', 'answers 404'],
  ['403', { kind: 'status', status: 403 }, 'DownloadRefused', 'answers 403'],
  ['a coding that was not asked for', { kind: 'encoded' }, 'DownloadFailed', 'coding gzip'],
];

describe('a server that never does right', () => {
  it.each(ALWAYS)('%s: is told, and nothing is accepted', async (_name, fault, code, what) => {
    const server = await startServer();
    server.fault = () => fault;
    const cache = scratchFolder();
    const file = remoteFile(server.serve('/f', CONTENT), CONTENT);
    // The library looks for silence once a second, so the last try but one is enough of it.
    const patience = { stallTimeoutMs: 100, ...(fault.kind === 'stall' ? { tries: 2 } : {}) };
    await expect(bringToCache(cache, file, transferOptions(patience))).rejects.toMatchObject({
      problem: { code },
      message: expect.stringContaining(what),
    });
    expect(existsSync(join(cache, `sha256-${sha256(CONTENT)}`))).toBe(false);
    expect(namesIn(cache).filter((name) => name.endsWith('.claim'))).toEqual([]);
  });

  it.each<[string, Fault, string]>([
    ...[203, 204, 300, 304].map((status): [string, Fault, string] => [
      `status ${status}`,
      { kind: 'status', status },
      `answers ${status}`,
    ]),
    ['a redirect out of the web', { kind: 'redirect', to: 'file:///etc/passwd' }, 'no address of the web (file:)'],
    ['a redirect to itself', { kind: 'redirect', to: '/f' }, 'redirects more than'],
    ['a coding that was not asked for', { kind: 'encoded' }, 'coding gzip'],
  ])('%s: is asked again, but not for minutes', async (_name, fault, why) => {
    const server = await startServer();
    let asked = 0;
    server.fault = () => {
      asked += 1;
      return fault;
    };
    const file = remoteFile(server.serve('/f', CONTENT), CONTENT);
    await expect(bringToCache(scratchFolder(), file, transferOptions({ tries: 100 }))).rejects.toMatchObject({
      problem: {
        code: 'DownloadFailed',
        what: '3 tries in a row brought nothing new',
        why: expect.stringContaining(why),
      },
    });
    // A redirect to itself is followed five times a try.
    expect(asked).toBeLessThanOrEqual(18);
  });

  it('another size than announced: is told soon', async () => {
    const server = await startServer();
    const file = { ...remoteFile(server.serve('/f', CONTENT), CONTENT), bytes: CONTENT.length + 1 };
    await expect(bringToCache(scratchFolder(), file, transferOptions({ tries: 100 }))).rejects.toMatchObject({
      problem: { code: 'DownloadFailed', what: '3 tries in a row brought nothing new' },
      message: expect.stringContaining(`${CONTENT.length + 1} were announced`),
    });
  });

  it('a file that changes with every answer', async () => {
    const server = await startServer();
    server.fault = (_request, index) => ({ kind: 'etag', etag: `"${index}"` });
    const file = remoteFile(server.serve('/f', CONTENT), CONTENT);
    await expect(bringToCache(scratchFolder(), file, transferOptions())).rejects.toMatchObject({
      problem: { code: 'DownloadFailed', what: 'it changed 4 times meanwhile' },
    });
  });

  it('ranges that always lie: the whole file is asked for', async () => {
    const server = await startServer();
    server.fault = ({ headers }) => (headers.range === undefined ? null : { kind: 'shifted' });
    const { cached } = await bringToCache(
      scratchFolder(),
      remoteFile(server.serve('/f', CONTENT), CONTENT),
      transferOptions(),
    );
    expect(readFileSync(cached).equals(CONTENT)).toBe(true);
  });

  it('a size that is not the announced one', async () => {
    const server = await startServer();
    const file = { ...remoteFile(server.serve('/f', CONTENT), CONTENT), bytes: SIZE - 1 };
    await expect(bringToCache(scratchFolder(), file, transferOptions())).rejects.toMatchObject({
      problem: { code: 'DownloadFailed', why: expect.stringContaining('it has 300000 bytes, 299999 were announced') },
    });
  });
});

it('a slow server is waited for, longer than silence may last', async () => {
  const server = await startServer();
  server.fault = () => ({ kind: 'throttle', chunk: 4_000, delayMs: 60 });
  const content = CONTENT.subarray(0, 60_000);
  const { cached } = await bringToCache(
    scratchFolder(),
    remoteFile(server.serve('/f', content), content),
    transferOptions({ stallTimeoutMs: 500, tries: 1 }),
  );
  expect(readFileSync(cached).equals(content)).toBe(true);
});

it('progress refills the patience: drops that each bring something never end a download', async () => {
  const server = await startServer();
  server.fault = () => ({ kind: 'drop', after: 16_384 });
  const { cached } = await bringToCache(
    scratchFolder(),
    remoteFile(server.serve('/f', CONTENT), CONTENT),
    transferOptions({ tries: 2 }),
  );
  expect(readFileSync(cached).equals(CONTENT)).toBe(true);
});
