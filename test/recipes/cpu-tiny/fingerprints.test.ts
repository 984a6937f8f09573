import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../src/domain/plan.js';
import { fingerprint } from '../../../src/domain/fingerprint.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import { stages } from '../../../src/recipes/cpu-tiny/stages.js';
import type { StageName } from '../../../src/schemas/plan.js';
import type { PipelineSpec } from '../../../src/schemas/spec.js';
import { reversedSpec, specWith } from './specs.js';

const plan = (spec: PipelineSpec, version = cpuTiny.version) =>
  makePlan(spec, 'r', { id: cpuTiny.id, version }, stages(spec), []);
/** What the plan alone says about the identity of each stage: its parameters and the files that it reads. */
const identities = (spec: PipelineSpec, version?: number) =>
  new Map(
    plan(spec, version).stages.map((stage) => [
      stage.name,
      fingerprint([stage.fingerprint, stage.sources, stage.needs]),
    ]),
  );

function changedBy(spec: PipelineSpec, version?: number): StageName[] {
  const before = identities(specWith());
  return [...identities(spec, version)]
    .filter(([name, identity]) => before.get(name) !== identity)
    .map(([name]) => name);
}

describe('the fingerprint of a stage', () => {
  it.each([
    ['name', 'other'],
    ['workspace', '/elsewhere'],
    ['scratch', '/local/other'],
    ['fleet.name', 'other'],
    ['fleet.spares', 9],
    ['environment.python', '/opt/python'],
    ['train.checkpoint.keep', 9],
    ['recovery.maxRestartsWithoutProgress', 9],
    ['recovery.spareWait', '1h'],
    ['recovery.onUnknown', 'stop'],
    ['accept', ['train/one-checkpoint']],
  ])('does not count %s', (path, value) => {
    const spec = specWith(path, value);
    expect(changedBy(spec)).toEqual([]);
    expect(plan(spec).specDigest).not.toBe(plan(specWith()).specDigest);
  });

  it.each<[string, unknown, StageName[]]>([
    ['weights.source', 'seed:2', ['weights']],
    ['weights.source', 'path:/models/a', ['weights', 'data']],
    ['data.0.rows', 1700, ['data']],
    ['data.0.heldOutRows', 10, ['data']],
    ['data.0.seed', 8, ['data']],
    ['data.0.name', 'forms', ['data']],
    ['fleet.hosts', 4, ['data', 'train']],
    ['fleet.npusPerHost', 1, ['data', 'train']],
    ['train.microBatchSize', 8, ['data', 'train']],
    ['train.sequenceLength', 512, ['data', 'train']],
    ['train.iterations', 500, ['train']],
    ['train.gradientAccumulation', 1, ['train']],
    ['train.learningRate', 1e-3, ['train']],
    ['train.warmupFraction', 0.1, ['train']],
    ['train.warmupFraction', undefined, ['train']],
    ['train.weightDecay', 0, ['train']],
    ['train.seed', 12, ['train']],
    ['train.loss', { type: 'default' }, ['train']],
    ['train.checkpoint.every', 50, ['train']],
    ['train.checkpoint.fidelity', 'weights-only', ['train']],
    ['train.env.OMP_PROC_BIND', 'spread', ['train']],
    ['train.threadsPerRank', 1, ['train']],
    ['train.fromCheckpoint', '/old/iter_0000100', ['train']],
    ['train.freeze.visionEncoder', false, ['train', 'export']],
    ['train.freeze.visionProjector', true, ['train', 'export']],
    ['train.freeze.textDecoder', true, ['train', 'export']],
    ['export.dtype', 'f32', ['export']],
  ])('counts %s = %j in %j', (path, value, expected) => {
    expect(changedBy(specWith(path, value))).toEqual(expected);
  });

  it('of given weights counts the original, and the checkpoint in the stage that adopts it', () => {
    const given = specWith('weights', { source: 'dcp:/c', original: '/o' });
    expect(changedBy(given)).toEqual(['weights', 'data', 'convert']);
    const other = specWith('weights', { source: 'dcp:/c', original: '/p' });
    expect(identities(other).get('weights')).not.toBe(identities(given).get('weights'));
    expect(stages(given).flatMap(({ name, sources }) => sources.map(({ field, path }) => [name, field, path]))).toEqual(
      [
        ['weights', 'weights.original', '/o'],
        // How long rows are is told by its tokenizer.
        ['data', 'weights.original', '/o/tokenizer.json'],
        ['data', 'weights.original', '/o/preprocessor_config.json'],
        ['data', 'weights.original', '/o/chat_template.jinja'],
        ['convert', 'weights.source', '/c'],
      ],
    );
  });

  it('does not depend on the order of keys, and changes with the version of the recipe', () => {
    expect(changedBy(reversedSpec())).toEqual([]);
    expect(plan(reversedSpec()).specDigest).toBe(plan(specWith()).specDigest);
    expect(changedBy(specWith(), cpuTiny.version + 1)).toHaveLength(7);
  });
});

describe('a plan', () => {
  const [first, second] = stages(specWith());

  it('needs its stages once and in order', () => {
    if (first === undefined || second === undefined) throw new Error('no stages');
    const make = (drafts: Parameters<typeof makePlan>[3]) => () => makePlan(specWith(), 'r', cpuTiny, drafts, []);
    expect(make([first, second])).not.toThrow();
    expect(make([second, first])).toThrow('stage weights needs environment, which no earlier stage makes');
    expect(make([first, first])).toThrow('stage environment stands twice in the plan');
  });

  it('fits into a workflow history and keeps parameters to itself', () => {
    const made = plan(specWith());
    expect(JSON.stringify(made).length).toBeLessThan(16_384);
    expect(Object.keys(made.stages[0] ?? {})).not.toContain('parameters');
    expect(made).toMatchObject({
      run: 'r',
      recipe: { id: 'cpu-tiny', version: 1 },
      fleet: { name: 'lab', hosts: 2, npusPerHost: 2, spares: 1 },
    });
  });
});
