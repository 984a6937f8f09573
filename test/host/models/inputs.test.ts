import { createServer, type Server } from 'node:http';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRemote } from '../../../src/domain/remote-source.js';
import { contentDigest } from '../../../src/host/models/content-digest.js';
import { findFiles } from '../../../src/host/models/find-files.js';
import { resolveHubRevision } from '../../../src/host/models/hub-revision.js';
import { readMeasured } from '../../../src/host/models/measured.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'temper-inputs-'));
  for (const path of [
    'a.json',
    'b.json',
    'c.txt',
    '.hidden.json',
    'x/d.json',
    'x/y/e.json',
    'x+z/f(1).json',
    'day-2/g.json',
  ]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  await symlink(join(root, 'a.json'), join(root, 'linked.json'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('files by pattern', () => {
  it.each([
    ['*.json', ['a.json', 'b.json', 'linked.json']],
    ['?.json', ['a.json', 'b.json']],
    ['[ab].json', ['a.json', 'b.json']],
    ['[!a].*', ['b.json', 'c.txt']],
    ['.*.json', ['.hidden.json']],
    ['**/*.json', ['a.json', 'b.json', 'day-2/g.json', 'linked.json', 'x+z/f(1).json', 'x/d.json', 'x/y/e.json']],
    ['x/**/*.json', ['x/d.json', 'x/y/e.json']],
    ['x/**', ['x/d.json', 'x/y/e.json']],
    ['**/y/**', ['x/y/e.json']],
    ['a.json/**', []],
    ['none.json', []],
    ['x+z/f(1).json', ['x+z/f(1).json']],
    ['day-[0-9]/*', ['day-2/g.json']],
    ['*', ['a.json', 'b.json', 'c.txt', 'linked.json']],
    ['nothing/*.json', []],
    ['a.json/*.json', []],
    ['a.json', ['a.json']],
  ])('%s', async (pattern, expected) => {
    expect(await findFiles(join(root, pattern))).toEqual(expected.map((path) => join(root, path)));
  });
});

it('a file that matches and cannot be looked at is an error and not left out', async () => {
  const dir = join(root, 'x/broken');
  await mkdir(dir);
  await symlink(join(root, 'not-mounted/b.json'), join(dir, 'b.json'));
  await expect(findFiles(join(dir, '*.json'))).rejects.toThrow(/b\.json matches and cannot be looked at/);
  await rm(dir, { recursive: true });
});

it('a pattern that meets too many files is refused rather than half read', async () => {
  expect(await findFiles(join(root, '*.json'), 3)).toHaveLength(3);
  await expect(findFiles(join(root, '*.json'), 2)).rejects.toThrow('more than 2 files match');
});

describe('the content of a source', () => {
  it('has the same digest wherever it lies, and another one when it changes', async () => {
    for (const name of ['one', 'two']) await writeFile(join(root, `${name}.rows`), 'same');
    expect(await contentDigest(join(root, 'one.rows'))).toBe(await contentDigest(join(root, 'two.rows')));
    await writeFile(join(root, 'two.rows'), 'other');
    expect(await contentDigest(join(root, 'one.rows'))).not.toBe(await contentDigest(join(root, 'two.rows')));
    expect(await contentDigest(join(root, 'none.rows'))).toBeNull();
  });
});

describe('the revision of a hub', () => {
  let server: Server;
  const commit = 'a'.repeat(40);
  const { signal } = new AbortController();
  beforeAll(async () => {
    server = createServer((request, response) => {
      response.statusCode = /^\/api\/(models\/o\/m|datasets\/o\/d)\/revision\/main$/.test(request.url ?? '')
        ? 200
        : 404;
      response.end(JSON.stringify({ sha: commit }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.close();
  });

  it('is resolved to its commit; a commit is one already', async () => {
    const commitOf = (text: string): Promise<string> => {
      const source = parseRemote(text);
      if (typeof source === 'string' || source.kind !== 'hub') throw new Error(text);
      return resolveHubRevision(source, signal);
    };
    expect(await commitOf('hf:o/m@main')).toBe(commit);
    expect(await commitOf('hf:o/m')).toBe(commit);
    expect(await commitOf('hf-dataset:o/d/rows.json')).toBe(commit);
    expect(await commitOf(`hf:o/m@${'b'.repeat(40)}`)).toBe('b'.repeat(40));
    await expect(commitOf('hf:o/m@nope')).rejects.toThrow(/404|no such|not there|does not/i);
    await expect(commitOf('modelscope:o/m')).rejects.toThrow('cannot be looked up');
  });
});

describe('what an evaluation measured', () => {
  it.each([
    ['{"v":1,"evalLoss":0.5,"rows":3,"name":"x","deep":{"a":1}}', { evalLoss: 0.5, rows: 3 }],
    ['{"evalLoss":null}', {}],
    ['{}', {}],
    ['{"evalLoss":NaN,"a":-Infinity,"b":1e999,"rows":3,"note":"NaN \\" Infinity"}', { rows: 3 }],
  ])('%s', async (text, expected) => {
    const file = join(root, 'measured.json');
    await writeFile(file, text);
    expect(await readMeasured(file, true)).toEqual(expected);
    await writeFile(file, `loading\n${text}\n\n`);
    expect(await readMeasured(file, false)).toEqual(expected);
  });

  it.each(['', '[1]', '5', 'loss: 1', 'null'])('is refused when it is %s', async (text) => {
    const file = join(root, 'measured.json');
    await writeFile(file, text);
    await expect(readMeasured(file, true)).rejects.toThrow('the evaluation left no numbers');
  });
});
