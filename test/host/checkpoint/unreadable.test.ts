import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unreadableProblem } from '../../../src/host/checkpoint/problems.js';
import type { CheckpointReport } from '../../../src/schemas/checkpoint.js';
import { copyFixture, verify } from './fixtures.js';

describe('a checkpoint whose files the user may not read is refused with a report', () => {
  test.each([
    ['a shard', 'iter_0000004/__1_0.distcp', 'iter_0000004', 'shard-unreadable'],
    ['the metadata', 'iter_0000004/.metadata', 'iter_0000004', 'metadata-unreadable'],
    ['the folder', 'iter_0000004', 'iter_0000004', 'folder-unreadable'],
    ['the folder that holds several', '.', '.', 'folder-unreadable'],
    ['the tracker beside it', 'latest_checkpointed_iteration.txt', '.', 'folder-unreadable'],
  ])('%s', async (_what, locked, asked, id) => {
    const dir = await copyFixture('dcp');
    await chmod(join(dir, locked), 0);
    for (const isDeep of [false, true]) {
      const report = await verifyAsOther(dir, asked, isDeep);
      expect(report).toMatchObject({
        complete: false,
        problems: [{ id, where: join(dir, locked), what: 'reading it answers EACCES' }],
      });
    }
    await chmod(join(dir, locked), 0o755);
  });

  test('but the error of a mount that may come back is none', () => {
    const error = (code: string) => Object.assign(new Error(code), { code });
    expect(unreadableProblem('shard-unreadable', '/x', error('EIO'))).toMatchObject({ what: 'reading it answers EIO' });
    expect(unreadableProblem('shard-unreadable', '/x', error('ESTALE'))).toBeNull();
    expect(unreadableProblem('shard-unreadable', '/x', new Error('no code'))).toBeNull();
  });
});

/** As a user without rights, because root may read everything. */
async function verifyAsOther(dir: string, asked: string, isDeep: boolean): Promise<CheckpointReport> {
  const isRoot = process.geteuid?.() === 0;
  if (!isRoot) return verify(join(dir, asked), isDeep);
  await chmod(dirname(dir), 0o755);
  process.seteuid?.(NOBODY);
  try {
    return await verify(join(dir, asked), isDeep);
  } finally {
    process.seteuid?.(0);
  }
}

const NOBODY = 65_534;
