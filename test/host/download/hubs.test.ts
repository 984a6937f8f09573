import { mkdirSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FetchManifestSchema } from '../../../src/schemas/fetch.js';
import type { HostileServer } from './hostile-server.js';
import { serveAsHuggingFace, serveAsModelScope, type Files, type RepoKind } from './hub-api.js';
import { fetchSource, namesIn, randomBytes, scratchFolder, startServer } from './support.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const CONFIG = Buffer.from('{"model_type":"tiny"}');
const SHARD = tinySafetensors('a', 150_000);
const ROWS = Buffer.from('[{"id":1}]');
const README = Buffer.from('# read me');

let hub: HostileServer;
let storage: HostileServer;

beforeEach(async () => {
  hub = await startServer();
  storage = await startServer();
});

/** A file with one U8 tensor. */
function tinySafetensors(name: string, bytes: number): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, randomBytes(bytes)]);
}

const serveHuggingFace = (kind: RepoKind, id: string, files: Files, large: string[]): void =>
  serveAsHuggingFace({ hub, storage, commit: COMMIT }, kind, id, files, large);
const serveModelScope = (kind: RepoKind, id: string, files: Files, committer: unknown = null): void =>
  serveAsModelScope(hub, kind, id, files, committer);

const MODEL = { 'config.json': CONFIG, 'model.safetensors': SHARD, 'README.md': README };

describe('Hugging Face', () => {
  it('gives a whole model at the commit of its branch, verified, with a manifest that names no time', async () => {
    serveHuggingFace('models', 'own/tiny', MODEL, ['model.safetensors']);
    const dir = scratchFolder();
    const manifest = join(dir, 'm.json');
    const told = await fetchSource(
      'hf:own/tiny',
      join(dir, 'hf'),
      { HF_ENDPOINT: hub.origin },
      { isModel: true, manifest },
    );
    expect(namesIn(join(dir, 'hf'))).toEqual(['README.md', 'config.json', 'model.safetensors']);
    expect(readFileSync(join(dir, 'hf', 'model.safetensors')).equals(SHARD)).toBe(true);
    expect(FetchManifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8')))).toEqual(told);
    expect(told).toMatchObject({ commit: COMMIT, endpoint: hub.origin, source: 'hf:own/tiny' });
    expect(told.files.map(({ path, proof }) => [path, proof])).toEqual([
      ['README.md', 'git-blob'],
      ['config.json', 'git-blob'],
      ['model.safetensors', 'sha256'],
    ]);
    expect(namesIn(dir)).toEqual(['hf', 'm.json']);
  });

  it('fetches no weights of a model that is not the one that is needed', async () => {
    serveHuggingFace('models', 'own/tiny', MODEL, ['model.safetensors']);
    const wish = { modelType: 'other', section: 'text_config', layers: null };
    const out = join(scratchFolder(), 'hf');
    const fetching = fetchSource('hf:own/tiny', out, { HF_ENDPOINT: hub.origin }, { isModel: true, wish });
    await expect(fetching).rejects.toThrow(/config\.json of hf:own\/tiny: model_type is "tiny", and other is needed/);
    expect(storage.seen).toEqual([]);
    const right = { ...wish, modelType: 'tiny' };
    await fetchSource('hf:own/tiny', out, { HF_ENDPOINT: hub.origin }, { isModel: true, wish: right });
    expect(namesIn(out)).toContain('model.safetensors');
  });

  it('gets the token, and the storage that it redirects to does not; nor does the manifest or a message', async () => {
    serveHuggingFace('models', 'own/tiny', MODEL, ['model.safetensors']);
    const notes: string[] = [];
    storage.fault = (_request, index) => (index === 0 ? { kind: 'status', status: 403 } : null);
    const env = { TEMPER_HF_ENDPOINT: hub.origin, HF_ENDPOINT: 'http://127.0.0.1:9', HF_TOKEN: 'hf_secret' };
    const told = await fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), env, {
      note: (text) => notes.push(text),
    });
    expect(hub.seen.length).toBeGreaterThan(4);
    expect(hub.seen.every(({ headers }) => headers.authorization === 'Bearer hf_secret')).toBe(true);
    expect(storage.seen.length).toBeGreaterThan(1);
    expect(storage.seen.some(({ headers }) => JSON.stringify(headers).includes('hf_secret'))).toBe(false);
    expect(notes.join('\n')).toContain('answers 403');
    expect(`${notes.join('\n')}${JSON.stringify(told)}`).not.toMatch(/hf_secret|X-Signature/);
  });

  it('says which token is missing', async () => {
    hub.fault = () => ({ kind: 'status', status: 401 });
    await expect(
      fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin }),
    ).rejects.toMatchObject({
      problem: { code: 'DownloadRefused', fix: expect.stringContaining('set HF_TOKEN') },
    });
  });

  it('gives one file or one folder of a data set', async () => {
    const files = { 'rows.json': ROWS, 'images/a.jpg': CONFIG, 'images/b.jpg': README, 'images2/c.jpg': ROWS };
    serveHuggingFace('datasets', 'own/set', files, ['rows.json']);
    const dir = scratchFolder();
    const env = { HF_ENDPOINT: hub.origin };
    await fetchSource('hf-dataset:own/set/rows.json', join(dir, 'out.json'), env, { isFile: true });
    expect(readFileSync(join(dir, 'out.json')).equals(ROWS)).toBe(true);
    await fetchSource('hf-dataset:own/set/images/b.jpg', join(dir, 'b.jpg'), env, { isFile: true });
    expect(readFileSync(join(dir, 'b.jpg')).equals(README)).toBe(true);
    await fetchSource('hf-dataset:own/set/images', join(dir, 'images'), env);
    expect(namesIn(join(dir, 'images'))).toEqual(['a.jpg', 'b.jpg']);
    await expect(fetchSource('hf-dataset:own/set/images', join(dir, 'f'), env, { isFile: true })).rejects.toMatchObject(
      {
        problem: { what: 'it is a folder, and a file is wanted' },
      },
    );
    await expect(fetchSource('hf-dataset:own/set/none', join(dir, 'f'), env)).rejects.toMatchObject({
      problem: { what: 'the repository has no file or folder none' },
    });
  });

  it('refuses a listing with a file where a folder must be', async () => {
    serveHuggingFace('models', 'own/tiny', { x: CONFIG, 'x/y': README }, []);
    await expect(
      fetchSource('hf:own/tiny', join(scratchFolder(), 'out'), { HF_ENDPOINT: hub.origin }),
    ).rejects.toMatchObject({
      problem: { code: 'DownloadRefused', what: 'the hub lists "x" as a file and as a folder with files' },
    });
  });

  it('takes the place of a file, and of no folder', async () => {
    serveHuggingFace('models', 'own/tiny', { 'a.json': CONFIG }, []);
    const output = join(scratchFolder(), 'out');
    mkdirSync(join(output, 'a.json'), { recursive: true });
    await expect(fetchSource('hf:own/tiny', output, { HF_ENDPOINT: hub.origin })).rejects.toMatchObject({
      problem: {
        code: 'UsageInvalid',
        where: join(output, 'a.json'),
        what: expect.stringContaining('a folder is there'),
      },
    });
    rmdirSync(join(output, 'a.json'));
    writeFileSync(join(output, 'a.json'), 'older');
    await fetchSource('hf:own/tiny', output, { HF_ENDPOINT: hub.origin });
    expect(readFileSync(join(output, 'a.json'), 'utf8')).toBe(CONFIG.toString());
  });

  it.each(['../evil', '/etc/evil', 'a/../../evil', 'a//b', 'a\nb'])(
    'never writes the path %j of a listing',
    async (path) => {
      serveHuggingFace('models', 'own/tiny', { ok: CONFIG, [path]: README }, []);
      await expect(
        fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin }),
      ).rejects.toMatchObject({
        problem: { code: 'DownloadRefused', what: expect.stringContaining('lists the path') },
      });
    },
  );

  it('is not a mirror that answers with something else', async () => {
    hub.json.set('/api/models/own/tiny/revision/main', { value: { hello: 'world' } });
    await expect(
      fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin }),
    ).rejects.toMatchObject({
      problem: { code: 'DownloadRefused', fix: expect.stringContaining('mirror') },
    });
  });
});

describe('a model', () => {
  it('with a .safetensors file that its index does not name is refused', async () => {
    const index = Buffer.from(
      JSON.stringify({ metadata: { total_size: 150_000 }, weight_map: { a: 'one.safetensors' } }),
    );
    const files = {
      'model.safetensors.index.json': index,
      'one.safetensors': SHARD,
      'stray.safetensors': tinySafetensors('b', 9),
    };
    serveHuggingFace('models', 'own/tiny', files, ['one.safetensors']);
    const run = fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin }, { isModel: true });
    await expect(run).rejects.toMatchObject({
      problem: { code: 'ProofFailed', where: expect.stringMatching(/stray\.safetensors$/) },
    });
  });

  it('whose index and headers disagree is refused', async () => {
    const index = Buffer.from(JSON.stringify({ weight_map: { a: 'one.safetensors', b: 'one.safetensors' } }));
    serveHuggingFace('models', 'own/tiny', { 'model.safetensors.index.json': index, 'one.safetensors': SHARD }, []);
    const run = fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin }, { isModel: true });
    await expect(run).rejects.toMatchObject({ problem: { code: 'ProofFailed', what: expect.stringContaining('b') } });
  });
});

describe('ModelScope', () => {
  it('gives the same files with the same hashes, times and form of manifest', async () => {
    serveHuggingFace('models', 'own/tiny', MODEL, ['model.safetensors']);
    serveModelScope('models', 'own/tiny', MODEL);
    const dir = scratchFolder();
    const hf = await fetchSource('hf:own/tiny', join(dir, 'hf'), { HF_ENDPOINT: hub.origin });
    const env = { MODELSCOPE_ENDPOINT: hub.origin, MODELSCOPE_API_TOKEN: 'ms_secret' };
    const before = hub.seen.length;
    const ms = await fetchSource('modelscope:own/tiny', join(dir, 'ms'), env);
    const short = ({ files }: typeof hf): unknown => files.map(({ path, bytes, sha256: hex }) => [path, bytes, hex]);
    expect(short(ms)).toEqual(short(hf));
    const times = (name: string): number[] =>
      readdirSync(join(dir, name)).map((file) => statSync(join(dir, name, file)).mtimeMs);
    expect(times('ms')).toEqual(times('hf'));
    expect(hub.seen.slice(before).every(({ headers }) => headers.authorization === 'Bearer ms_secret')).toBe(true);
    expect(hub.seen.slice(before).every(({ headers }) => headers.cookie === 'm_session_id=ms_secret')).toBe(true);
  });

  it('gives files of data sets', async () => {
    serveModelScope('datasets', 'own/set', { 'rows.json': ROWS, 'zips/a.zip': README });
    const dir = scratchFolder();
    const env = { MODELSCOPE_ENDPOINT: hub.origin };
    await fetchSource('modelscope-dataset:own/set/zips/a.zip', join(dir, 'a.zip'), env, { isFile: true });
    expect(readFileSync(join(dir, 'a.zip')).equals(README)).toBe(true);
  });

  const HEAD = 'ab12'.repeat(10);
  it.each([
    ['its newest commit', 'models', { Id: HEAD, ShortId: 'ab12ab12' }, HEAD],
    ['an empty one, as it does now and then', 'models', { Id: '', ShortId: 'ab12ab12' }, null],
    ['none', 'models', null, null],
    ['something else', 'models', { Id: 7 }, null],
    ['its newest commit', 'datasets', { Id: HEAD }, HEAD],
  ] as const)(
    'names the commit of a branch where the hub tells it: %s of %s',
    async (_what, kind, committer, commit) => {
      serveModelScope(kind, 'own/pinned', { 'rows.json': ROWS }, committer);
      const source = kind === 'models' ? 'modelscope:own/pinned' : 'modelscope-dataset:own/pinned/rows.json';
      const output = join(scratchFolder(), 'ms');
      expect((await fetchSource(source, output, { MODELSCOPE_ENDPOINT: hub.origin })).commit).toBe(commit);
    },
  );

  it('says errors with status 200', async () => {
    const value = { Code: 10010205001, Success: false, Message: 'record not found' };
    hub.json.set('/api/v1/models/own/tiny/repo/files?Revision=master&Recursive=True', { value });
    const run = fetchSource('modelscope:own/tiny', join(scratchFolder(), 'ms'), { MODELSCOPE_ENDPOINT: hub.origin });
    await expect(run).rejects.toMatchObject({
      problem: { code: 'DownloadRefused', why: 'it says 10010205001: record not found' },
    });
  });
});

it.each([
  ['hf', { size: 9, oid: 'f'.repeat(40), lfs: { oid: 'sha256:unknown', size: 9 } }],
  ['hf', { size: 9 }],
  ['modelscope', { Size: 9 }],
  ['modelscope', { Size: 9, Sha256: 'short' }],
])('a file of a model without a checksum is refused before it is downloaded: %s %j', async (scheme, facts) => {
  const api = '/api/models/own/tiny';
  const file = { type: 'file', path: 'model.safetensors', Type: 'blob', Path: 'model.safetensors', ...facts };
  hub.json.set(`${api}/revision/main`, { value: { sha: COMMIT } });
  hub.json.set(`${api}/tree/${COMMIT}?recursive=true`, { value: [file] });
  const listing = { Code: 200, Success: true, Data: { Files: [file] } };
  hub.json.set('/api/v1/models/own/tiny/repo/files?Revision=master&Recursive=True', { value: listing });
  const env = { HF_ENDPOINT: hub.origin, MODELSCOPE_ENDPOINT: hub.origin };
  await expect(fetchSource(`${scheme}:own/tiny`, join(scratchFolder(), 'got'), env)).rejects.toMatchObject({
    problem: { code: 'DownloadRefused', what: expect.stringContaining('no usable checksum') },
  });
});

it('a disk that cannot hold it is told before anything is downloaded', async () => {
  const api = '/api/models/own/tiny';
  hub.json.set(`${api}/revision/main`, { value: { sha: COMMIT } });
  const huge = { type: 'file', path: 'huge', size: Number.MAX_SAFE_INTEGER, oid: 'f'.repeat(40) };
  hub.json.set(`${api}/tree/${COMMIT}?recursive=true`, { value: [huge] });
  const run = fetchSource('hf:own/tiny', join(scratchFolder(), 'hf'), { HF_ENDPOINT: hub.origin });
  await expect(run).rejects.toMatchObject({ problem: { code: 'DiskTooSmall' } });
});

it('what was brought to a kept cache is linked again without asking for it', async () => {
  serveHuggingFace('models', 'own/tiny', MODEL, ['model.safetensors']);
  const dir = scratchFolder();
  const more = { cache: join(dir, 'cache') };
  const env = { HF_ENDPOINT: hub.origin };
  await fetchSource('hf:own/tiny', join(dir, 'one'), env, more);
  const sent = storage.sentBytes;
  await fetchSource('hf:own/tiny', join(dir, 'two'), env, more);
  expect(storage.sentBytes).toBe(sent);
  expect(namesIn(join(dir, 'two'))).toEqual(namesIn(join(dir, 'one')));
});
