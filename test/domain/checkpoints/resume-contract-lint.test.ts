import { describe, expect, test } from 'vitest';
import { resumeLints } from '../../../src/domain/checkpoints/resume-contract-lint.js';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { resume } from '../../../src/recipes/cpu-tiny/resume.js';
import { RECIPES } from '../../../src/recipes/registry.js';
import { specWith } from '../../recipes/cpu-tiny/specs.js';

const WEIGHTS = specWith('train.checkpoint.fidelity', 'weights-only');

function lintsOf(change: { train?: object; recovery?: object }): readonly { readonly what: string }[] {
  const spec = {
    ...WEIGHTS,
    train: { ...WEIGHTS.train, ...change.train },
    recovery: { ...WEIGHTS.recovery, ...change.recovery },
  };
  return resumeLints(spec, resume.schedule(spec));
}

describe('weights-only with warm-up and restarts that nobody asked for', () => {
  test('says which learning rates will follow', () => {
    // Peak 2e-3 over 400 iterations, warm-up over 20: half of it at iteration 10, and cosine from there.
    expect(lintsOf({})).toMatchObject([
      {
        id: 'train/weights-only-warmup',
        severity: 'error',
        acceptable: true,
        what: 'a restart begins the learning rate again: after one at iteration 200 the steps have 0, 0.0001, 0.0002 instead of 0.00108, and 0.002 at iteration 220',
      },
    ]);
  });

  test.each([
    ['full fidelity', { train: { checkpoint: { ...WEIGHTS.train.checkpoint, fidelity: 'full' } } }],
    ['no warm-up', { train: { warmupFraction: 0 } }],
    ['no restarts', { recovery: { maxRestartsWithoutProgress: 0 } }],
    ['one checkpoint, at the end', { train: { checkpoint: { ...WEIGHTS.train.checkpoint, every: 400 } } }],
  ])('is fine with %s', (_, change) => {
    expect(lintsOf(change)).toEqual([]);
  });

  test('stops a spec until its id is accepted', () => {
    const text = (accept: string): string => `apiVersion: temper/v1
name: tiny
recipe: cpu-tiny
workspace: /ws
fleet: { hosts: 1, npusPerHost: 2 }
weights: { source: 'seed:1' }
data: [{ name: made, format: synthetic, rows: 1600 }]
train: { iterations: 40, learningRate: 0.001, checkpoint: { every: 10, fidelity: weights-only } }
accept: [${accept}]
`;
    const read = (accept: string) => readStoredSpec(text(accept), { recipes: RECIPES }).problems;
    expect(read('')).toMatchObject([
      { severity: 'error', fix: expect.stringContaining('add train/weights-only-warmup to accept') },
    ]);
    expect(read('train/weights-only-warmup')).toMatchObject([
      { severity: 'warning', isAccepted: true, what: expect.stringContaining('(accepted)') },
    ]);
  });
});
