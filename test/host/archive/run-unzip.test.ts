import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { runUnzip } from '../../../src/host/archive/run-unzip.js';
import type { UnzipRequest } from '../../../src/host/archive/run-unzip.js';
import type { UnzipReport } from '../../../src/schemas/fetch.js';
import { namesIn, randomBytes, scratchFolder, sha256 } from '../download/support.js';
import { makeZip } from './make-zip.js';
import type { MadeEntry } from './make-zip.js';

// A process takes most of a second to start, and many times that on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const CHILD = fileURLToPath(new URL('fixtures/unzip-child.mjs', import.meta.url));
const PICTURE = randomBytes(50_000);
const TEXT = Buffer.from('a text that repeats '.repeat(500));
const SOUND: readonly MadeEntry[] = [
  { name: 'train/' },
  { name: 'train/a.jpg', content: PICTURE, isStored: true },
  { name: 'train/b.txt', content: TEXT },
  { name: 'deep/er/空.bin', content: PICTURE, isZip64: true },
  { name: 'empty', isStored: true },
];

/** Writes an archive and answers how to unpack it. */
function site(entries: readonly MadeEntry[] | Buffer): {
  readonly dir: string;
  readonly zip: string;
  readonly output: string;
  unpack(more?: Partial<UnzipRequest>): Promise<UnzipReport>;
} {
  const dir = scratchFolder();
  const zip = join(dir, 'a.zip');
  const output = join(dir, 'images');
  writeFileSync(zip, Buffer.isBuffer(entries) ? entries : makeZip(entries));
  const signal = new AbortController().signal;
  const base = { zip, output, isZipRemoved: false, signal, onProgress: () => undefined };
  return { dir, zip, output, unpack: async (more = {}) => runUnzip({ ...base, ...more }) };
}

describe('a sound archive', () => {
  it('is unpacked whole: stored, deflated, zip64, empty files, folders, names of any language', async () => {
    const { dir, zip, output, unpack } = site(SOUND);
    const report = await unpack();
    expect(report).toEqual({ v: 1, zip, output, files: 4, bytes: 100_000 + TEXT.length, resumed: 0 });
    expect(readFileSync(join(output, 'train/a.jpg')).equals(PICTURE)).toBe(true);
    expect(readFileSync(join(output, 'train/b.txt')).equals(TEXT)).toBe(true);
    expect(readFileSync(join(output, 'deep/er/空.bin')).equals(PICTURE)).toBe(true);
    expect(readFileSync(join(output, 'empty'))).toHaveLength(0);
    expect(namesIn(dir)).toEqual(['a.zip', 'images']);
  });

  it('made by Python is unpacked, too', async () => {
    const dir = scratchFolder();
    const zip = join(dir, 'p.zip');
    const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('d/a.txt', 'x' * 5000)
    with z.open('d/big.bin', 'w', force_zip64=True) as f:
        f.write(b'y' * 70000)
`;
    execFileSync('python3', ['-c', program, zip]);
    const { unpack } = site([]);
    const report = await unpack({ zip, output: join(dir, 'out') });
    expect(report).toMatchObject({ files: 2, bytes: 75_000 });
    expect(readFileSync(join(dir, 'out', 'd', 'big.bin')).equals(Buffer.alloc(70_000, 'y'))).toBe(true);
  });

  it('may have a dot before each name, as archives of the folder itself have', async () => {
    const { output, unpack } = site([
      { name: './' },
      { name: './a/' },
      { name: './a/b', content: TEXT },
      { name: '././c', content: TEXT },
    ]);
    expect(await unpack()).toMatchObject({ files: 2 });
    expect(readFileSync(join(output, 'a/b')).equals(TEXT)).toBe(true);
    expect(readFileSync(join(output, 'c')).equals(TEXT)).toBe(true);
    expect(await unpack()).toMatchObject({ files: 2, resumed: 2 });
  });

  it('unpacked already is accepted after a look, and only as it must be', async () => {
    const { output, unpack } = site(SOUND);
    await unpack();
    expect(await unpack()).toMatchObject({ files: 4, resumed: 4 });
    writeFileSync(join(output, 'train/b.txt'), 'edited');
    await expect(unpack()).rejects.toMatchObject({
      problem: { code: 'WorkspaceUnusable', where: join(output, 'train/b.txt') },
    });
    expect(readFileSync(join(output, 'train/b.txt'), 'utf8')).toBe('edited');
  });

  it('has the sha256 of the spec or is not unpacked, and goes where that was asked for', async () => {
    const { zip, output, unpack } = site(SOUND);
    await expect(unpack({ sha256: '0'.repeat(64) })).rejects.toMatchObject({ problem: { code: 'DownloadUnproven' } });
    expect(existsSync(output)).toBe(false);
    await unpack({ sha256: sha256(readFileSync(zip)), isZipRemoved: true });
    expect(existsSync(zip)).toBe(false);
  });
});

const REFUSED: readonly (readonly [string, readonly MadeEntry[], string])[] = [
  ['a path that climbs', [{ name: '../evil', content: TEXT }], 'unsafe'],
  ['a path that climbs within', [{ name: 'a/../../evil', content: TEXT }], 'unsafe'],
  ['an absolute path', [{ name: '/etc/evil', content: TEXT }], 'unsafe'],
  ['a path that climbs with backslashes', [{ name: '..\\evil', content: TEXT }], 'unsafe'],
  ['a drive', [{ name: 'C:\\evil', content: TEXT }], 'unsafe'],
  ['a part that is a dot', [{ name: 'a/./b', content: TEXT }], 'proper name'],
  ['an empty part', [{ name: 'a//b', content: TEXT }], 'proper name'],
  ['a name that no file system takes', [{ name: `a/${'空'.repeat(86)}`, content: TEXT }], 'a name of 258 bytes'],
  ['a path that no file system takes', [{ name: 'abc/'.repeat(600), content: TEXT }], 'a path of 2399 bytes'],
  ['a control character', [{ name: 'a\nb', content: TEXT }], 'proper name'],
  [
    'a name twice, once with a dot before it',
    [
      { name: 'a', content: TEXT },
      { name: './a', content: PICTURE },
    ],
    'twice',
  ],
  ['a path that climbs behind a dot', [{ name: './../evil', content: TEXT }], 'unsafe'],
  ['a whole path behind a dot', [{ name: './/etc/evil', content: TEXT }], 'proper name'],
  ['a file that is the folder of all', [{ name: './', content: TEXT, mode: 0o100644 }], 'no plain file'],
  [
    'a name twice',
    [
      { name: 'a', content: TEXT },
      { name: 'a', content: PICTURE },
    ],
    'twice',
  ],
  [
    'a file that is a folder, too',
    [
      { name: 'a', content: TEXT },
      { name: 'a/b', content: TEXT },
    ],
    'a file and a folder',
  ],
  ['a folder and a file of one name', [{ name: 'a/' }, { name: 'a', content: TEXT }], 'twice'],
  ['a symbolic link', [{ name: 'a', content: Buffer.from('/etc/passwd'), mode: 0o120777 }], 'a symbolic link'],
  ['a device', [{ name: 'a', content: TEXT, mode: 0o020666 }], 'no plain file'],
  ['an encrypted entry', [{ name: 'a', content: TEXT, flags: 1 }], 'encrypted'],
  ['an unknown compression', [{ name: 'a', content: TEXT, method: 12 }], 'method 12'],
  ['a wrong CRC', [{ name: 'a', content: TEXT, crc: 7 }], 'has the CRC'],
  ['more bytes than declared', [{ name: 'a', content: TEXT, bytes: 10 }], 'cannot be unpacked'],
  ['fewer bytes than declared', [{ name: 'a', content: TEXT, bytes: 1_000_000 }], 'cannot be unpacked'],
  [
    'entries that share their data',
    [
      { name: 'a', content: TEXT },
      { name: 'b', content: TEXT, sharesWith: 0 },
    ],
    'share their data',
  ],
];

describe('an archive is refused, and nothing of it appears, for', () => {
  it.each(REFUSED)('%s', async (_name, entries, what) => {
    const { dir, output, unpack } = site([{ name: 'good', content: PICTURE }, ...entries]);
    await expect(unpack()).rejects.toMatchObject({
      problem: { code: 'ArchiveRefused' },
      message: expect.stringContaining(what),
    });
    expect(existsSync(output)).toBe(false);
    expect(existsSync(join(dir, '..', 'evil'))).toBe(false);
  });

  it('a flipped byte of a stored picture', async () => {
    const bytes = makeZip([{ name: 'a', content: PICTURE, isStored: true }]);
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    const { output, unpack } = site(bytes);
    await expect(unpack()).rejects.toMatchObject({ problem: { code: 'ArchiveRefused' } });
    expect(existsSync(output)).toBe(false);
  });

  it('a cut end, and what is no archive', async () => {
    for (const bytes of [makeZip(SOUND).subarray(0, 40_000), Buffer.from('<html>'), Buffer.alloc(0)]) {
      await expect(site(bytes).unpack()).rejects.toMatchObject({ problem: { code: 'ArchiveRefused' } });
    }
  });

  it('an archive with more entries than it counts, as that of macOS of 66000 files', async () => {
    const bytes = makeZip(['a', 'b', 'c'].map((name) => ({ name, content: PICTURE })));
    // The end record (APPNOTE 4.3.16) is the last 22 bytes: entries of this disk and in all.
    bytes.writeUInt16LE(2, bytes.length - 22 + 8);
    bytes.writeUInt16LE(2, bytes.length - 22 + 10);
    const { output, unpack } = site(bytes);
    await expect(unpack()).rejects.toMatchObject({
      problem: { code: 'ArchiveRefused', what: 'it says that it has 2 entries, and more follow' },
    });
    expect(existsSync(output)).toBe(false);
  });

  it('more than the disk holds, by what it declares', async () => {
    const bomb = { name: 'a', content: TEXT, bytes: 2 ** 52, isZip64: true };
    await expect(site([bomb]).unpack()).rejects.toMatchObject({ problem: { code: 'DiskTooSmall' } });
  });
});

describe('an interrupted unpacking', () => {
  const MANY = Array.from({ length: 1_500 }, (_, index): MadeEntry => ({
    name: `d${index % 7}/${index}`,
    content: randomBytes(64, index),
  }));

  it('by kill -9 is continued, what is wrong is unpacked again, and the output appears at the end', async () => {
    const { dir, zip, output, unpack } = site(MANY);
    for (const killAt of [600, 1_100]) {
      const child = spawn(process.execPath, [CHILD, zip, output], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.on('data', (text: Buffer) => {
        if (Number(/files (\d+)\n$/.exec(text.toString())?.[1] ?? 0) >= killAt) child.kill('SIGKILL');
      });
      await once(child, 'close');
      expect(child.signalCode).toBe('SIGKILL');
      expect(existsSync(output)).toBe(false);
    }
    const work = join(dir, '.images.unzip');
    writeFileSync(join(work, 'd3', '3'), randomBytes(64, 99_999));
    const report = await unpack();
    expect(report.files).toBe(1_500);
    expect(report.resumed).toBeGreaterThan(900);
    for (const index of [0, 3, 700, 1_499])
      expect(readFileSync(join(output, `d${index % 7}`, String(index))).equals(randomBytes(64, index))).toBe(true);
    expect(readdirSync(output, { recursive: true })).toHaveLength(1_507);
    expect(namesIn(dir)).toEqual(['a.zip', 'images']);
  });

  it('of another archive is not continued', async () => {
    const { dir, output, unpack } = site(SOUND);
    mkdirSync(join(dir, '.images.unzip'));
    writeFileSync(join(dir, '.images.unzip', 'foreign'), 'x');
    writeFileSync(join(dir, '.images.unzip.json'), JSON.stringify({ v: 1, archive: 'other', entries: 3 }));
    await unpack();
    expect(existsSync(join(output, 'foreign'))).toBe(false);
  });

  it('by Ctrl-C ends at once', async () => {
    const stop = new AbortController();
    const { output, unpack } = site(MANY);
    await expect(unpack({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow('aborted');
    expect(existsSync(output)).toBe(false);
  });

  it('two at once end right', async () => {
    const { output, unpack } = site(SOUND);
    const reports = await Promise.all([unpack(), unpack()]);
    expect(reports.map(({ files }) => files)).toEqual([4, 4]);
    expect(readFileSync(join(output, 'train/a.jpg')).equals(PICTURE)).toBe(true);
  });
});
