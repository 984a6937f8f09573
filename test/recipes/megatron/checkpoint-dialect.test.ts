import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  componentOf,
  fqnToHfName,
  hfNameToFqn,
  iterationFolder,
  megatronLayout,
  parseCheckpointFolder,
  parseShardRank,
  parseTracker,
  storedState,
} from '../../../src/recipes/megatron/checkpoint-dialect.js';

test('folder names have seven digits or more and come back (property)', () => {
  expect(iterationFolder(500)).toBe('iter_0000500');
  fc.assert(
    fc.property(fc.nat(), (iteration) => {
      expect(parseCheckpointFolder(iterationFolder(iteration))).toEqual({ iteration });
    }),
  );
  expect(parseCheckpointFolder('release')).toEqual({ iteration: null });
  for (const name of ['iter_500', 'iter_0000500.tmp', 'iter_', 'releases', ''])
    expect(parseCheckpointFolder(name)).toBeNull();
});

test.each([
  ['10000', { kind: 'iteration', iteration: 10000 }, 'iter_0010000'],
  ['release', { kind: 'release' }, 'release'],
  ['  500\n', { kind: 'iteration', iteration: 500 }, 'iter_0000500'],
  ['', { kind: 'empty' }, null],
  ['\0\0\0', { kind: 'garbled', text: '\0\0\0' }, null],
  ['-1', { kind: 'garbled', text: '-1' }, null],
  ['../../etc', { kind: 'garbled', text: '../../etc' }, null],
])('tracker %j', (text, tracker, folder) => {
  expect(parseTracker(text)).toEqual(tracker);
  expect(megatronLayout.parseTracker(text)).toBe(folder);
});

test('shard names give the global rank', () => {
  expect(parseShardRank('__127_0.distcp')).toBe(127);
  for (const name of ['__0_0.distcp.tmp', '.metadata', '_0_0.distcp', '__x_0.distcp'])
    expect(parseShardRank(name)).toBeNull();
});

test('names of model tensors go both ways', () => {
  expect(hfNameToFqn('lm_head.weight')).toBe('model.model.lm_head.weight');
  expect(fqnToHfName('model.model.model.visual.x')).toBe('model.visual.x');
  expect(fqnToHfName('optimizer.state.0.exp_avg')).toBeNull();
});

test.each([
  ['model.model.lm_head.weight', 'model'],
  ['optimizer.state.0.exp_avg', 'optimizer'],
  ['optimizer.param_groups.lr', 'optimizer'],
  ['opt_param_scheduler.num_steps', 'schedule'],
  ['rng_state.cpu', 'rng'],
  ['iteration', 'progress'],
  ['checkpoint_version', 'other'],
])('%s belongs to %s', (fqn, component) => {
  expect(componentOf(fqn)).toBe(component);
});

test.each([
  [['optimizer.state.0.exp_avg', 'optimizer.param_groups.lr'], true],
  [['optimizer.state.0.momentum_buffer'], true],
  [['optimizer.param_groups.lr', 'optimizer.state.0.step'], false],
])('%j holds the moments of an optimizer: %j', (names, moments) => {
  expect(storedState(names)).toMatchObject({ moments });
});
