import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostileServer } from './hostile-server.js';
import { fetchSource, namesIn, scratchFolder, sha256, startServer } from './support.js';

const ROWS = Buffer.from('[{"id":1}]');
const ZIP = Buffer.from('a zip, as far as anybody looks');

let hub: HostileServer;
beforeEach(async () => {
  hub = await startServer();
});

describe('an address', () => {
  it('is asked for at its mirror, and named as it is', async () => {
    hub.serve('/mirror/train.zip', ZIP);
    const env = { TEMPER_URL_MIRRORS: `http://images.invalid/zips/=${hub.origin}/mirror/` };
    const dir = scratchFolder();
    const told = await fetchSource('http://images.invalid/zips/train.zip', join(dir, 'z.zip'), env, { isFile: true });
    expect(told).toMatchObject({ source: 'http://images.invalid/zips/train.zip', endpoint: hub.origin, commit: null });
    expect(told.files).toMatchObject([{ path: 'train.zip', proof: 'none', etag: expect.stringMatching(/^"/) }]);
  });

  it('is compared with the sha256 of the spec, and gets no token', async () => {
    const url = hub.serve('/rows.json', ROWS);
    const dir = scratchFolder();
    const env = { HF_ENDPOINT: hub.origin, HF_TOKEN: 'hf_secret' };
    await fetchSource(url, join(dir, 'rows.json'), env, { isFile: true, sha256: sha256(ROWS) });
    expect(hub.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
    const wrong = fetchSource(url, join(dir, 'other.json'), env, { isFile: true, sha256: '0'.repeat(64) });
    await expect(wrong).rejects.toMatchObject({ problem: { code: 'DownloadUnproven' } });
    expect(namesIn(dir)).not.toContain('other.json');
  });
});

it.each([
  ['the spec', { isOffline: true }, {}],
  ['the host', {}, { TEMPER_OFFLINE: '1' }],
])('offline by %s asks nobody', async (_who, more, env) => {
  const run = fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin, ...env }, more);
  await expect(run).rejects.toMatchObject({ problem: { code: 'OfflineForbids' } });
  expect(hub.seen).toEqual([]);
});

it('a proxy is used for what it is for, with its own name and not for local hosts', async () => {
  const proxy = await startServer();
  proxy.serve('http://far.invalid/file', ROWS);
  const dir = scratchFolder();
  const env = { http_proxy: 'http://127.0.0.1:9', TEMPER_HTTP_PROXY: proxy.origin, TEMPER_NO_PROXY: '127.0.0.1' };
  await fetchSource('http://far.invalid/file', join(dir, 'far'), env, { isFile: true });
  expect(proxy.seen.map(({ path }) => path)).toEqual(['http://far.invalid/file']);
  await fetchSource(hub.serve('/near', ROWS), join(dir, 'near'), env, { isFile: true });
  expect(proxy.seen).toHaveLength(1);
});
