import { describe, expect, it } from 'vitest';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import type { LaunchFacts } from '../../../../src/recipes/recipe.js';
import type { TrainingFacts } from '../../../../src/recipes/mindspeed-mm/training/facts.js';
import { resume } from '../../../../src/recipes/mindspeed-mm/training/resume.js';
import { distributedTimeoutMinutes } from '../../../../src/recipes/mindspeed-mm/training/timeouts.js';
import { guideFacts, guideSpec } from './support.js';

const CHECKPOINT = { every: 500, keep: 3, fidelity: 'full' };

describe('how long ranks wait for each other', () => {
  const minutes = (over: Readonly<Record<string, unknown>>, facts: Partial<TrainingFacts> = {}): number =>
    distributedTimeoutMinutes(guideFacts(guideSpec({ train: over }), facts));
  const small = { data: { files: [], mediaDir: '/', rows: 1_000 } };

  it('covers tokenizing the rows twice over, at the measured speed where there is one', () => {
    const weightsOnly = { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } };
    const measured = { saveMs: 60_000, preprocessRowsPerSecond: 40 };
    // 157712 rows at 40 a second are 66 minutes.
    expect(minutes(weightsOnly, { measured })).toBe(132);
    expect(minutes({ ...weightsOnly, dataLoader: { preprocessOnFly: true } }, { measured })).toBe(10);
    expect(minutes({ ...weightsOnly, dataLoader: { streaming: true } }, { measured })).toBe(10);
  });

  it('covers a save twice over, at the measured time where there is one', () => {
    expect(minutes({}, { ...small, measured: { saveMs: 20 * 60_000, preprocessRowsPerSecond: null } })).toBe(40);
    // 1285 GB, nothing measured.
    expect(minutes({}, small)).toBe(90);
  });

  it('takes what was measured from the attempt', () => {
    const inputs = {
      convert: { dir: '/c', outputs: { hf: '/hf' }, facts: {} },
      data: { dir: '/d', outputs: { 'rows.0': '/d/rows.json', imageRoot: '/' }, facts: {} },
      check: { dir: '/k', outputs: {}, facts: { rows: 60_000 } },
    };
    const launched = (measured?: LaunchFacts['measured']): string | undefined => {
      const { argv } = glm45v.training.launch({
        ...{ spec: guideSpec(), inputs, nodeRank: 0, nodes: 8, ranksPerNode: 16, isResume: true },
        ...{ masterAddress: '10.0.0.1', masterPort: 6_000, address: '10.0.0.1', networkInterface: null },
        ...{ rankLogDir: '/l', cacheDir: '/c', hostDir: '/h', loadDir: '/load', saveDir: '/save' },
        tools: { python: '/p', node: '/n', temper: '/t', programs: '/r', environment: '/e', cpus: 1 },
        ...(measured === undefined ? {} : { measured }),
      });
      return argv[argv.indexOf('--distributed-timeout-minutes') + 1];
    };
    expect(launched()).toBe('90');
    expect(launched({ saveMs: 60_000, preprocessRowsPerSecond: 20 })).toBe('100');
    expect(launched({ saveMs: 30 * 60_000, preprocessRowsPerSecond: 200 })).toBe('60');
  });

  it('is never below the default of torch, unless the spec says so', () => {
    expect(minutes({}, { ...small, measured: { saveMs: 1, preprocessRowsPerSecond: null } })).toBe(10);
    expect(minutes({ distributedTimeout: '5m' })).toBe(5);
    expect(minutes({ distributedTimeout: '90s' })).toBe(2);
  });
});

describe('the learning rate of a resume', () => {
  it('rises over a tenth of the run, then falls to zero at its end', () => {
    expect(resume.schedule(guideSpec())).toEqual({
      peak: 1e-5,
      min: 0,
      warmupSamples: 128_000,
      decaySamples: 1_280_000,
      style: 'cosine',
      samplesPerIteration: 128,
    });
  });

  it('comes back with a full checkpoint only; moments are not asked for by this loader', () => {
    expect(resume.loads(guideSpec())).toEqual({ optimizer: true, rng: true });
    expect(resume.loads(guideSpec({ train: { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } } }))).toEqual({
      optimizer: false,
      rng: false,
    });
    expect(resume.fillsMoments).toBe(false);
  });
});
