import type { TensorShape } from '../../../src/recipes/checkpoint-contract.js';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readDcpMetadata } from '../../../src/host/checkpoint/dcp-read.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import {
  compareCheckpointTensors,
  mergeExperts,
  readMoeGeometry,
  type TensorShapes,
} from '../../../src/recipes/megatron/moe-merge.js';
import { READERS } from '../../host/checkpoint/fixtures.js';

const GEOMETRY = { layers: 2, firstDense: 1, experts: 2 };
const EXPERTS = 'model.language_model.layers.1.mlp.experts';

describe('the merge of a real model', () => {
  test('is what its converted checkpoint holds', async () => {
    const { tensors, problems } = mergeExperts(await readShapes('hf'), GEOMETRY);
    expect(problems).toEqual([]);
    expect(tensors.get(`model.model.${EXPERTS}.gate_up_proj`)).toEqual({ dtype: 'BF16', shape: [8, 4] });
    expect(
      compareCheckpointTensors(tensors, await readCheckpoint('dcp-release/release'), { isWidened: false }),
    ).toEqual([]);
  });

  test('is what a training checkpoint holds in F32, beside the optimizer', async () => {
    const { tensors } = mergeExperts(await readShapes('hf'), GEOMETRY);
    const checkpoint = await readCheckpoint('dcp/iter_0000004');
    expect(compareCheckpointTensors(tensors, checkpoint, { isWidened: true })).toEqual([]);
    expect(compareCheckpointTensors(tensors, checkpoint, { isWidened: false })).toHaveLength(8);
  });
});

test('the documented sizes of the full model', () => {
  const original = new Map<string, TensorShape>(
    Array.from({ length: 128 }, (_, expert): [string, TensorShape][] => [
      [`${EXPERTS}.${expert}.gate_proj.weight`, { dtype: 'BF16', shape: [1408, 4096] }],
      [`${EXPERTS}.${expert}.up_proj.weight`, { dtype: 'BF16', shape: [1408, 4096] }],
      [`${EXPERTS}.${expert}.down_proj.weight`, { dtype: 'BF16', shape: [4096, 1408] }],
    ]).flat(),
  );
  expect(mergeExperts(original, { layers: 2, firstDense: 1, experts: 128 })).toEqual({
    tensors: new Map([
      [`model.model.${EXPERTS}.gate_up_proj`, { dtype: 'BF16', shape: [524288, 2816] }],
      [`model.model.${EXPERTS}.down_proj`, { dtype: 'BF16', shape: [180224, 4096] }],
    ]),
    problems: [],
  });
});

describe('what cannot be merged is told', () => {
  test.each<[string, (tensors: Map<string, { dtype: string; shape: readonly number[] }>) => unknown, string]>([
    ['a missing expert', (tensors) => tensors.delete(`${EXPERTS}.1.up_proj.weight`), 'lacks 1 expert tensors'],
    [
      'another shape',
      (tensors) => tensors.set(`${EXPERTS}.1.down_proj.weight`, { dtype: 'BF16', shape: [2, 4] }),
      '[2, 4] instead of BF16 [4, 2]',
    ],
    [
      'another dtype',
      (tensors) => tensors.set(`${EXPERTS}.0.up_proj.weight`, { dtype: 'F32', shape: [2, 4] }),
      'is F32 [2, 4]',
    ],
    [
      'no matrix',
      (tensors) => tensors.set(`${EXPERTS}.0.gate_proj.weight`, { dtype: 'BF16', shape: [8] }),
      'no matrix',
    ],
  ])('%s', async (_, edit, what) => {
    const tensors = new Map(await readShapes('hf'));
    edit(tensors);
    expect(mergeExperts(tensors, GEOMETRY).problems.join('\n')).toContain(what);
  });
});

test('a checkpoint with missing, extra, misshapen and mistyped tensors', () => {
  const shape = (dtype: string, ...sizes: number[]): { dtype: string; shape: readonly number[] } => ({
    dtype,
    shape: sizes,
  });
  const expected = new Map([
    ['model.a', shape('BF16', 2)],
    ['model.b', shape('BF16', 2)],
    ['model.c', shape('F32', 2)],
  ]);
  const actual = new Map([
    ['model.b', shape('BF16', 3)],
    ['model.c', shape('BF16', 2)],
    ['model.d', shape('BF16', 2)],
    ['optimizer.x', shape('F32', 1)],
  ]);
  expect(compareCheckpointTensors(expected, actual, { isWidened: false })).toEqual([
    'model.a is missing',
    'model.b is [3] instead of [2]',
    'model.c is BF16 instead of F32',
    'model.d is not in the original',
  ]);
});

test.each([
  [
    { text_config: { num_hidden_layers: 46, first_k_dense_replace: 1, n_routed_experts: 128 } },
    { layers: 46, firstDense: 1, experts: 128 },
  ],
  [
    { num_hidden_layers: 4, n_routed_experts: 8 },
    { layers: 4, firstDense: 0, experts: 8 },
  ],
  [{ num_hidden_layers: 4 }, null],
  [{ num_hidden_layers: 1e9, n_routed_experts: 8 }, null],
  [null, null],
])('geometry of %j', (config, geometry) => {
  expect(readMoeGeometry(config)).toEqual(geometry);
});

async function readShapes(folder: string): Promise<TensorShapes> {
  return (await readModelFolder(join(READERS, folder))).tensors;
}

async function readCheckpoint(folder: string): Promise<TensorShapes> {
  const { tensors } = await readDcpMetadata(join(READERS, folder, '.metadata'));
  return new Map([...tensors].map(([fqn, { dtype, size }]) => [fqn, { dtype, shape: size }]));
}
