import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, describe, it, vi } from 'vitest';
import { KeptCurve } from '../../../src/host/run/kept-curve.js';
import type { IterationReading } from '../../../src/recipes/log-dialect.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'temper-curve-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const logged = (upTo: number): IterationReading[] =>
  Array.from({ length: upTo }, (_, index) => ({
    ...{ iteration: index + 1, of: 100, loss: 1 / (index + 1), learningRate: 1e-3, gradNorm: 1, elapsedMs: 5 },
    ...{ consumedSamples: null, globalBatchSize: null, tokensPerSample: null },
  }));
const lines = (): number => {
  try {
    return readFileSync(join(dir, 'h2/metrics.jsonl'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};

describe('the curve of a training', () => {
  it('is kept whenever it may be in a checkpoint, and at the end', async () => {
    const curve = new KeptCurve(join(dir, 'h2'), 10);
    for (const upTo of [0, 9]) curve.note(logged(upTo));
    await curve.settle([]);
    expect(lines()).toBe(0);
    curve.note(logged(11));
    await vi.waitFor(() => expect(lines()).toBe(11));
    curve.note(logged(19));
    curve.note(logged(20));
    await vi.waitFor(() => expect(lines()).toBe(20));
    await curve.settle(logged(23));
    expect(lines()).toBe(23);
  });

  it('is kept later when the workspace cannot be written now', async () => {
    writeFileSync(join(dir, 'h2'), 'in the way of the folder');
    const curve = new KeptCurve(join(dir, 'h2'), 10);
    curve.note(logged(10));
    await expect(curve.settle(logged(10))).rejects.toThrow('EEXIST');
    rmSync(join(dir, 'h2'));
    curve.note(logged(12));
    await vi.waitFor(() => expect(lines()).toBe(12));
  });
});
