import { describe, expect, it } from 'vitest';
import { differingLocks } from '../../src/domain/environment-lock.js';
import { changedStages, selectedStages, withDependents } from '../../src/domain/stages.js';
import type { PipelinePlan, StageName, StagePlan } from '../../src/schemas/plan.js';

/** Recipes need not have all stages. */
const NEEDS: Readonly<Partial<Record<StageName, readonly StageName[]>>> = {
  environment: [],
  weights: ['environment'],
  data: ['environment'],
  convert: ['weights'],
  train: ['convert', 'data'],
  export: ['train'],
  verify: ['data', 'export'],
};

function plan(changes: Partial<Record<StageName, Partial<StagePlan>>> = {}): PipelinePlan {
  const stages = (Object.keys(NEEDS) as StageName[]).map((name): StagePlan => ({
    name,
    title: name,
    needs: [...(NEEDS[name] ?? [])],
    placement: 'anyHost',
    fingerprint: `f-${name}`,
    programs: [],
    sources: [],
    resources: { diskBytes: 0, ramBytes: 0 },
    timeoutMs: 1,
    ...changes[name],
  }));
  return {
    v: 1,
    run: 'r',
    recipe: { id: 'x', version: 1 },
    specDigest: 'd',
    workspace: '/w',
    fleet: { name: 'f', hosts: 1, npusPerHost: 1, spares: 0 },
    recovery: { maxRestartsWithoutProgress: 3, spareWaitMs: 1, onUnknown: 'restart' },
    stages,
    warnings: [],
  };
}

describe('stages', () => {
  it.each<[StageName[], StageName[]]>([
    [[], []],
    [['verify'], ['verify']],
    [['data'], ['data', 'train', 'export', 'verify']],
    [
      ['convert', 'weights'],
      ['weights', 'convert', 'train', 'export', 'verify'],
    ],
    [['environment'], ['environment', 'weights', 'data', 'convert', 'train', 'export', 'verify']],
  ])('that depend on %j are %j', (names, expected) => {
    expect(withDependents(plan(), new Set(names))).toEqual(expected);
  });

  it.each<[string, Partial<Record<StageName, Partial<StagePlan>>>, StageName[]]>([
    ['nothing', {}, []],
    ['a title or a timeout', { train: { title: 'other', timeoutMs: 9, resources: { diskBytes: 9, ramBytes: 9 } } }, []],
    ['a fingerprint', { train: { fingerprint: 'other' } }, ['train', 'export', 'verify']],
    [
      'a source',
      { data: { sources: [{ field: 'f', path: '/other', kind: 'file' }] } },
      ['data', 'train', 'export', 'verify'],
    ],
    ['the needs', { export: { needs: ['train', 'weights'] } }, ['export', 'verify']],
  ])('to make again after a change of %s', (_what, changes, expected) => {
    expect(changedStages(plan(), plan(changes))).toEqual(expected);
  });

  it.each<[StageName | null, StageName[]]>([
    [null, Object.keys(NEEDS) as StageName[]],
    ['environment', ['environment']],
    ['convert', ['environment', 'weights', 'convert']],
    ['data', ['environment', 'data']],
    ['export', ['environment', 'weights', 'data', 'convert', 'train', 'export']],
  ])('to go through until %s', (until, expected) => {
    expect(selectedStages(plan(), until).map(({ name }) => name)).toEqual(expected);
  });
});

describe('locks of hosts', () => {
  it.each([
    [[], []],
    [[{ host: 'a', lock: { torch: '1' } }], []],
    [
      [
        { host: 'a', lock: { torch: '1', x: '2' } },
        { host: 'b', lock: { x: '2', torch: '1' } },
      ],
      [],
    ],
    [
      [
        { host: 'a', lock: { torch: '1', only: '3' } },
        { host: 'b', lock: { torch: '2', more: '4' } },
      ],
      ['torch: a has 1, b has 2', 'only: a has 3, b has none', 'more: a has none, b has 4'],
    ],
  ])('%j differ in %j', (answers, expected) => {
    expect(differingLocks(answers)).toEqual(expected);
  });
});
