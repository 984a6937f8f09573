import type * as promises from 'node:fs/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { findBrokenSeals, sealCheckpoint } from '../../../src/host/checkpoint/seal.js';
import { copyFixture, verify } from './fixtures.js';

const SHARD = '__1_0.distcp';
const hiccup = vi.hoisted((): { call: 'stat' | 'open' | 'read' | null; code: string; name: string } => ({
  call: null,
  code: '',
  name: '',
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const fails = (call: string, path: unknown): boolean =>
    hiccup.call === call && typeof path === 'string' && path.endsWith(hiccup.name);
  const failure = () => Object.assign(new Error(`${hiccup.code}: injected`), { code: hiccup.code });
  return {
    ...real,
    stat: (path: string) => (fails('stat', path) ? Promise.reject(failure()) : real.stat(path)),
    open: async (path: string, flags: string | number) => {
      if (fails('open', path)) throw failure();
      const handle = await real.open(path, flags);
      if (fails('read', path)) handle.read = () => Promise.reject(failure());
      return handle;
    },
  };
});

const PASSING = ['ETIMEDOUT', 'ENOTCONN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'EAGAIN', 'EHOSTDOWN'];

describe('an error that may pass says nothing about a checkpoint: it is thrown, so that the look is repeated', () => {
  beforeEach(() => {
    hiccup.call = null;
  });

  test.each(PASSING)('%s at the stat of a shard', async (code) => {
    const dir = join(await copyFixture('dcp'), 'iter_0000004');
    Object.assign(hiccup, { call: 'stat', code, name: SHARD });
    await expect(verify(dir, false)).rejects.toMatchObject({ code });
    hiccup.call = null;
    expect(await verify(dir, false)).toMatchObject({ complete: true });
  });

  test('at the stat of a shard that the metadata does not know: it would hide that saves are mixed', async () => {
    const dir = join(await copyFixture('dcp'), 'iter_0000004');
    const stranger = '__7_0.distcp';
    await writeFile(join(dir, stranger), 'of another save');
    Object.assign(hiccup, { call: 'stat', code: 'ETIMEDOUT', name: stranger });
    await expect(verify(dir, false)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    hiccup.call = null;
    expect(await verify(dir, false)).toMatchObject({ problems: [{ id: 'generation-mixed' }] });
  });

  test.each(PASSING.flatMap((code) => [SHARD, '.metadata'].map((name) => [code, name] as const)))(
    '%s at the second look at %s, for its seal',
    async (code, name) => {
      const dir = join(await copyFixture('dcp'), 'iter_0000004');
      const seal = await sealCheckpoint(dir, [SHARD]);
      for (const call of ['open', 'read']) {
        Object.assign(hiccup, { call, code, name });
        await expect(findBrokenSeals(dir, seal)).rejects.toMatchObject({ code });
      }
      hiccup.call = null;
      expect(await findBrokenSeals(dir, seal)).toEqual([]);
    },
  );

  test.each(['EACCES', 'EIO', 'ELOOP'])('but %s is an answer', async (code) => {
    const dir = join(await copyFixture('dcp'), 'iter_0000004');
    const seal = await sealCheckpoint(dir, [SHARD]);
    Object.assign(hiccup, { call: 'stat', code, name: SHARD });
    expect(await verify(dir, false)).toMatchObject({ problems: [{ id: 'shard-unreadable' }] });
    hiccup.call = 'open';
    expect(await findBrokenSeals(dir, seal)).toMatchObject([{ id: 'shard-changed' }]);
  });
});
