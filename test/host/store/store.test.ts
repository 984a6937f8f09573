import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeKey } from '../../../src/host/store/digests.js';
import { dropOut, entryDir, makeOut, readReceipt, writeReceipt } from '../../../src/host/store/entry.js';
import { findChange, makeManifest, manifestDigest } from '../../../src/host/store/manifest.js';
import type { StagePlan } from '../../../src/schemas/plan.js';
import type { Receipt } from '../../../src/schemas/receipt.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'temper-store-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, content: string, mtime = 1_000): void => {
  writeFileSync(join(dir, name), content);
  utimesSync(join(dir, name), mtime, mtime);
};

describe('a manifest', () => {
  beforeEach(() => {
    mkdirSync(join(dir, 'sub'));
    file('b', 'bb');
    file('sub/a', 'a');
  });

  it('lists files and links to files by path, not folders, loops or dangling links', async () => {
    symlinkSync('b', join(dir, 'link'));
    symlinkSync('.', join(dir, 'loop'));
    symlinkSync('gone', join(dir, 'dangling'));
    const manifest = await makeManifest(dir);
    expect(manifest.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['b', 2],
      ['link', 2],
      ['sub/a', 1],
    ]);
    expect(manifest[2]).toEqual({
      path: 'sub/a',
      bytes: 1,
      mtimeMs: 1_000_000,
      sha256: 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb',
    });
  });

  it('of one file holds that file', async () => {
    const manifest = await makeManifest(join(dir, 'b'));
    expect(manifest).toMatchObject([{ path: '.', bytes: 2 }]);
    expect(await findChange(join(dir, 'b'), manifest)).toBeNull();
  });

  it.each<[string, () => void, RegExp | null]>([
    ['nothing', () => undefined, null],
    ['a touch', () => file('b', 'bb', 2_000), null],
    ['another size', () => file('b', 'bbb'), /b has 3 bytes instead of 2$/],
    ['other content', () => file('b', 'BB', 2_000), /b has other content than when it was proven$/],
    ['a missing file', () => unlinkSync(join(dir, 'b')), /b is missing$/],
    [
      'a file that became a dangling link',
      () => (unlinkSync(join(dir, 'b')), symlinkSync('gone', join(dir, 'b'))),
      /b is missing$/,
    ],
    ['one more file', () => file('c', 'c'), null],
  ])('finds after %s: %s', async (_what, change, expected) => {
    const manifest = await makeManifest(dir);
    change();
    const found = await findChange(dir, manifest);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatch(expected);
  });

  it('judges files without a hash by their time', async () => {
    const large = (await makeManifest(dir)).map(({ sha256: _hash, ...entry }) => entry);
    expect(await findChange(dir, large)).toBeNull();
    file('b', 'bb', 2_000);
    expect(await findChange(dir, large)).toMatch(/b was changed after it was proven$/);
    expect(manifestDigest(await makeManifest(dir))).not.toBe(manifestDigest(large));
  });

  it('has a digest of names and content, not of times', async () => {
    const before = manifestDigest(await makeManifest(dir));
    file('b', 'bb', 5_000);
    expect(manifestDigest(await makeManifest(dir))).toBe(before);
    file('b', 'bc', 5_000);
    expect(manifestDigest(await makeManifest(dir))).not.toBe(before);
  });
});

describe('an entry of the store', () => {
  it('numbers its outputs, with gaps and many makers', async () => {
    const entry = entryDir(dir, 'weights', 'key');
    expect(entry).toBe(join(dir, 'store/weights/key'));
    expect(await makeOut(entry)).toBe('out-0001');
    mkdirSync(join(entry, 'out-0007'));
    writeFileSync(join(entry, 'outline'), '');
    const made = await Promise.all(Array.from({ length: 20 }, () => makeOut(entry)));
    expect(new Set(made).size).toBe(20);
    expect(made.sort()[0]).toBe('out-0008');
  });

  it('loses an output, and never itself', async () => {
    const entry = entryDir(dir, 'weights', 'key');
    const out = await makeOut(entry);
    writeFileSync(join(entry, 'receipt.json'), '{}');
    for (const name of ['', '.', '..', 'claim', '../key']) await dropOut(entry, name);
    expect(readdirSync(entry).sort()).toEqual([out, 'receipt.json']);
    await dropOut(entry, out);
    await dropOut(entry, out);
    expect(readdirSync(entry)).toEqual(['receipt.json']);
  });

  const receipt: Receipt = {
    v: 1,
    stage: 'weights',
    key: 'key',
    dir: 'store/weights/key/out-0001',
    outputs: {},
    facts: {},
    manifest: [],
    digest: 'd',
    madeBy: { run: 'r', host: 'h', owner: 'o', tryNumber: 1 },
    startedAt: '',
    finishedAt: '',
  };

  it('has a receipt or none; unknown fields stay, a newer version and a damaged file are refused', async () => {
    expect(await readReceipt(dir, 'weights', 'key')).toBeNull();
    await writeReceipt(dir, { ...receipt, addedLater: 1 });
    expect(await readReceipt(dir, 'weights', 'key')).toEqual({ ...receipt, addedLater: 1 });
    const path = join(entryDir(dir, 'weights', 'key'), 'receipt.json');
    for (const [text, problem] of [
      [
        JSON.stringify({ ...receipt, v: 2 }),
        { code: 'FormatTooNew', where: path, what: expect.stringContaining('version 2') },
      ],
      [
        JSON.stringify({ ...receipt, digest: 3 }),
        { code: 'WorkspaceUnusable', where: path, why: expect.stringContaining('digest') },
      ],
      ['{"v": 1, "sta', { code: 'WorkspaceUnusable', where: path, what: 'the file is not JSON' }],
      ['[]', { code: 'WorkspaceUnusable' }],
    ] as const) {
      writeFileSync(path, text);
      await expect(readReceipt(dir, 'weights', 'key')).rejects.toMatchObject({ problem });
    }
  });
});

describe('the key of a stage', () => {
  const stage: StagePlan = {
    name: 'data',
    title: '',
    needs: ['weights'],
    placement: 'anyHost',
    fingerprint: 'own',
    programs: ['a.py'],
    sources: [],
    resources: { diskBytes: 0, ramBytes: 0 },
    timeoutMs: 1,
  };
  const need = { stage: 'weights' as const, key: 'k', digest: 'd' };
  const keyWith = (over: Partial<StagePlan> = {}, digest = 'd') =>
    computeKey({ ...stage, ...over }, [{ ...need, digest }], dir);

  beforeEach(() => {
    file('a.py', 'print(1)');
    file('rows.json', '[]');
    mkdirSync(join(dir, 'images'));
    file('images/1.png', 'x');
  });

  it('counts parameters, digests of needs and the content of programs, not how a need was made', async () => {
    const key = await keyWith();
    expect(await keyWith({ title: 'other', timeoutMs: 2 })).toBe(key);
    expect(await computeKey(stage, [{ ...need, key: 'other' }], dir)).toBe(key);
    expect(await keyWith({ fingerprint: 'other' })).not.toBe(key);
    expect(await keyWith({}, 'other')).not.toBe(key);
    file('a.py', 'print(2)');
    expect(await keyWith()).not.toBe(key);
  });

  it('counts path and content of sources', async () => {
    const sources = [
      { field: 'data.0.annotations', path: join(dir, 'rows.json'), kind: 'file' as const },
      { field: 'data.0.images.path', path: join(dir, 'images'), kind: 'folder' as const },
    ];
    const key = await keyWith({ sources });
    expect(key).not.toBe(await keyWith());
    file('images/1.png', 'x', 9_000);
    expect(await keyWith({ sources })).toBe(key);
    file('images/2.png', 'y');
    const more = await keyWith({ sources });
    expect(more).not.toBe(key);
    file('images/1.png', 'z');
    expect(await keyWith({ sources })).not.toBe(more);
  });

  it.each(['llava.report.json', 'llava.origin.json'])('counts %s of the user like any other source', async (name) => {
    const path = join(dir, name);
    const sources = [{ field: 'data.0.annotations', path, kind: 'file' as const }];
    file(name, '[1]');
    const key = await keyWith({ sources });
    file(name, '[2]');
    expect(await keyWith({ sources })).not.toBe(key);
    expect(await makeManifest(dir)).not.toContainEqual(expect.objectContaining({ path: name }));
  });

  it('needs its sources, and names the field of a missing one', async () => {
    const sources = [{ field: 'data.0.annotations', path: join(dir, 'gone.json'), kind: 'file' as const }];
    await expect(keyWith({ sources })).rejects.toMatchObject({
      problem: {
        code: 'SourceMissing',
        where: 'data.0.annotations',
        what: `cannot read file ${dir}/gone.json`,
        fix: expect.stringContaining('--set data.0.annotations='),
      },
    });
  });
});
