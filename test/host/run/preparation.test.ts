import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attemptDir } from '../../../src/host/run/attempts.js';
import { slowestPreparation, writePreparation } from '../../../src/host/run/preparation.js';
import { TrainingLog } from '../../../src/host/run/training-log.js';
import { megatronLog } from '../../../src/recipes/megatron/log-dialect.js';
import type { AttemptRecord } from '../../../src/schemas/attempt.js';

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-preparation-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

const attempt = (number: number): AttemptRecord => ({
  ...{ v: 1, attempt: number, run: 'r', key: 'k', lease: 1, hosts: ['h1', 'h2'], masterAddress: 'a', masterPort: 1 },
  ...{ load: { path: '/l', iteration: null }, refused: [], at: '2026-01-01T00:00:00.000Z' },
});

describe('the preparation of the rows', () => {
  it('is told by two lines of the log, wherever they stand', async () => {
    const log = new TrainingLog(workspace, [0], megatronLog);
    const write = (text: string): void => writeFileSync(join(workspace, 'rank-0000.out'), text, { flag: 'a' });
    write('[after model, optimizer, and learning rate scheduler are built] datetime: 2025-12-03 23:50:30 \n');
    await log.read();
    expect(log.rowsMs).toBeNull();
    write('noise\n[after dataloaders are built] datetime: 2025-12-04 00:10:30 \n');
    await log.read();
    expect(log.rowsMs).toBe(1_200_000);
  });

  it('is as quick as its slowest attempt, because later ones have their caches', async () => {
    expect(await slowestPreparation(workspace, 'r', [attempt(1), attempt(2)])).toBeNull();
    await writePreparation(join(attemptDir(workspace, 'r', 1), 'h1'), 12_000, 600_000);
    await writePreparation(join(attemptDir(workspace, 'r', 2), 'h2'), 12_000, 60_000);
    expect(await slowestPreparation(workspace, 'r', [attempt(1), attempt(2)])).toBe(20);
    expect(await slowestPreparation(workspace, 'r', [attempt(2)])).toBe(200);
  });

  it('does not count where it was too short for a clock of whole seconds', async () => {
    await writePreparation(join(attemptDir(workspace, 'r', 1), 'h1'), 100, 1_000);
    expect(await slowestPreparation(workspace, 'r', [attempt(1)])).toBeNull();
  });
});
