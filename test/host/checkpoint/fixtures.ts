import { cp, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import type { CheckpointReport } from '../../../src/schemas/checkpoint.js';

/** Folder of the committed checkpoints and models; `test/fixtures/make-checkpoints.py` makes them. */
export const READERS = fileURLToPath(new URL('../../fixtures/checkpoints/readers', import.meta.url));

/** A copy of a fixture folder that the test may damage, with equal times on all files as a save leaves them. */
export async function copyFixture(name: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'temper-readers-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const target = join(dir, name);
  await cp(join(READERS, name), target, { recursive: true });
  for (const entry of await readdir(target, { recursive: true })) await utimes(join(target, entry), 1e9, 1e9);
  return target;
}

export function verify(dir: string, isDeep = false): Promise<CheckpointReport> {
  return verifyCheckpoint(dir, { layout: megatronLayout, isDeep });
}

export function problemIds(report: CheckpointReport): readonly string[] {
  return report.problems.map(({ id }) => id);
}

export function warningIds(report: CheckpointReport): readonly string[] {
  return report.warnings.map(({ id }) => id);
}
