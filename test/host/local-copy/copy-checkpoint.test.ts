import { appendFile, cp, mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TemperError } from '../../../src/domain/errors.js';
import { copyCheckpoint } from '../../../src/host/local-copy/copy-checkpoint.js';
import {
  collectLocalCopies,
  findCopyDamage,
  localCopyDir,
  readLocalCopy,
  removeLocalCopies,
} from '../../../src/host/local-copy/local-copies.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import { copyFixture, READERS, verify } from '../checkpoint/fixtures.js';
import { scratchFolder } from '../data/support.js';

const RELEASE = join(READERS, 'dcp-release');

async function copy(
  output: string,
  source = RELEASE,
  onProgress: (done: number, of: number) => void = () => undefined,
) {
  const signal = AbortSignal.timeout(60_000);
  return copyCheckpoint({ source, output, contract: cpuTiny.checkpoint, signal, onProgress });
}

async function codeOf(result: Promise<unknown>): Promise<string> {
  const error = await result.then(
    () => null,
    (caught: unknown) => caught,
  );
  return error instanceof TemperError ? error.problem.code : String(error);
}

describe('a copy of a checkpoint', () => {
  it('is equal, can be loaded from, and tells what it is a copy of', async () => {
    const output = join(scratchFolder(), 'weights', 'w');
    const told: number[] = [];
    const done = await copy(output, RELEASE, (bytes, of) => told.push(bytes / of));
    expect(done).toMatchObject({ isReused: false, copy: { source: join(RELEASE, 'release'), folder: 'release' } });
    expect(told.at(-1)).toBe(1);
    expect((await readdir(output)).sort()).toEqual(['copy.json', 'latest_checkpointed_iteration.txt', 'release']);
    expect(await readFile(join(output, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');
    for (const name of await readdir(join(RELEASE, 'release')))
      expect(
        (await readFile(join(output, 'release', name))).equals(await readFile(join(RELEASE, 'release', name))),
      ).toBe(true);
    expect((await verify(output)).complete).toBe(true);
    expect(await readdir(join(output, '..'))).toEqual(['w']);
  });

  it('names the iteration of a trained one', async () => {
    const output = join(scratchFolder(), 'w');
    await copy(output, join(READERS, 'dcp/iter_0000004'));
    expect(await readFile(join(output, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('4');
  });

  it('is used again while it is as its original, also by two at once', async () => {
    const output = join(scratchFolder(), 'w');
    const both = await Promise.all([copy(output), copy(output)]);
    expect(both.filter(({ isReused }) => isReused)).toHaveLength(1);
    expect((await copy(output)).isReused).toBe(true);
  });

  it.each<[string, (output: string) => Promise<void>]>([
    ['a shard of it is changed', async (output) => flip(join(output, 'release', await shardOf(output)))],
    ['a shard of it is cut', async (output) => truncate(join(output, 'release', await shardOf(output)), 10)],
    ['its record is damaged', (output) => writeFile(join(output, 'copy.json'), '{"v": 1')],
    ['its record is missing', (output) => rm(join(output, 'copy.json'))],
    [
      'a killed one left a part',
      async (output) => void (await mkdir(join(`${output}.part`, 'release'), { recursive: true })),
    ],
  ])('is whole after a repetition when %s', async (_what, damage) => {
    const output = join(scratchFolder(), 'w');
    await copy(output);
    await damage(output);
    await copy(output);
    const record = await readLocalCopy(output);
    expect(record === null ? ['no record'] : await findCopyDamage(output, record)).toEqual([]);
    expect((await verify(output)).complete).toBe(true);
  });

  it('is read whole before it is used again: its seal does not look at every byte', async () => {
    const output = join(scratchFolder(), 'w');
    const source = await copyFixture('dcp-release');
    // A file beside the shards stands for the middle of a large one.
    await writeFile(join(source, 'release', 'beside.bin'), 'sound');
    const { copy: first } = await copy(output, source);
    await writeFile(join(output, 'release', 'beside.bin'), 'spoilt');
    expect(await findCopyDamage(output, first)).toEqual([]);
    expect((await copy(output, source)).isReused).toBe(false);
    expect((await copy(output, source)).isReused).toBe(true);
    const seen: number[] = [];
    await copy(output, source, (done) => seen.push(done));
    expect(seen.at(-1)).toBe(first.bytes);
  });

  it('is made again when its original is another one', async () => {
    const output = join(scratchFolder(), 'w');
    await copy(output, join(READERS, 'dcp/iter_0000002'));
    expect((await copy(output)).isReused).toBe(false);
    expect(await readdir(output)).toContain('release');
    expect(await readdir(output)).not.toContain('iter_0000002');
  });

  it('is not made of a checkpoint that is not complete', async () => {
    const source = await copyFixture('dcp-release');
    await rm(join(source, 'release', '.metadata'));
    const output = join(scratchFolder(), 'w');
    expect(await codeOf(copy(output, source))).toBe('ProofFailed');
    expect(await readLocalCopy(output)).toBeNull();
  });

  it('is refused before a byte is copied when the disk is too small', async () => {
    const source = join(scratchFolder(), 'release');
    await cp(join(RELEASE, 'release'), source, { recursive: true });
    // Without blocks, but with a size that no disk of a test machine has free.
    await appendFile(join(source, 'note'), '');
    await truncate(join(source, 'note'), 15e12);
    const root = scratchFolder();
    const failure = await copy(join(root, 'w'), source).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      problem: { code: 'DiskTooSmall', what: expect.stringContaining('needed for a local copy of the weights') },
    });
    expect(await readdir(root)).toEqual([]);
  });

  it('goes, with what was left of it, when it is not the one to keep', async () => {
    const scratch = scratchFolder();
    const [kept, old] = ['a'.repeat(64), 'b'.repeat(64)].map((digest) => localCopyDir(scratch, digest));
    if (kept === undefined || old === undefined) throw new TypeError('two folders');
    for (const dir of [kept, old]) await copy(dir);
    await mkdir(`${old}.part`);
    expect(await removeLocalCopies(scratch, kept)).toEqual([old, `${old}.part`]);
    expect(await readdir(join(scratch, 'weights'))).toEqual(['a'.repeat(16)]);
    expect(await removeLocalCopies(scratch, null)).toEqual([kept]);
    expect(await removeLocalCopies(join(scratch, 'nothing'), null)).toEqual([]);
  });
});

describe('copies and retention', () => {
  /** A host with a copy of converted weights in a store, and of weights that lie elsewhere. */
  async function hostWithCopies() {
    const [scratch, workspace] = [scratchFolder(), scratchFolder()];
    const original = join(workspace, 'store/convert/k1/out-0001/dcp');
    await cp(RELEASE, original, { recursive: true });
    const [stored, adopted] = ['a'.repeat(64), 'b'.repeat(64)].map((digest) => localCopyDir(scratch, digest));
    if (stored === undefined || adopted === undefined) throw new TypeError('two folders');
    await copy(stored, original);
    await copy(adopted);
    const collect = (isDryRun: boolean, going: string[] = [], where = workspace) =>
      collectLocalCopies(scratch, { workspace: where, going, isDryRun });
    const left = () => readdir(join(scratch, 'weights'));
    return { workspace, stored, original, collect, left };
  }

  it('go with their original, and only then', async () => {
    const { original, collect, left } = await hostWithCopies();
    expect(await collect(false)).toEqual([]);
    expect(await collect(true, ['store/convert/k2'])).toEqual([]);
    const told = await collect(true, ['store/convert/k1']);
    expect(told).toMatchObject([{ kind: 'copy', name: `weights/${'a'.repeat(16)}`, bytes: expect.any(Number) }]);
    expect(await left()).toHaveLength(2);
    await rm(original, { recursive: true });
    expect(await collect(true)).toEqual(told);
    expect(await collect(false)).toEqual(told);
    expect(await left()).toEqual(['b'.repeat(16)]);
    expect(await collect(false)).toEqual([]);
  });

  it('stay while the workspace is not there', async () => {
    const { workspace, collect, left } = await hostWithCopies();
    await rm(join(workspace, 'store'), { recursive: true });
    expect(await collect(false)).toEqual([]);
    expect(await left()).toHaveLength(2);
  });

  it('belong to the original that they were last compared with', async () => {
    const { workspace, stored, original, collect, left } = await hostWithCopies();
    const again = join(workspace, 'store/convert/k2/out-0001/dcp');
    await cp(original, again, { recursive: true });
    expect(await copy(stored, again)).toMatchObject({ isReused: true, copy: { source: join(again, 'release') } });
    await rm(original, { recursive: true });
    expect(await collect(false)).toEqual([]);
    await rm(again, { recursive: true });
    expect(await collect(false)).toHaveLength(1);
    expect(await left()).toEqual(['b'.repeat(16)]);
  });
});

async function shardOf(output: string): Promise<string> {
  const name = (await readdir(join(output, 'release'))).find((one) => one.endsWith('.distcp'));
  if (name === undefined) throw new Error('the fixture has no shard');
  return name;
}

async function flip(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  const { size } = await handle.stat();
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, size - 1);
  await handle.write(Buffer.from([255 - (byte[0] ?? 0)]), 0, 1, size - 1);
  await handle.close();
}
