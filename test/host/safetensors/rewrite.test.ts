import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { castLike, tellDtype, toBf16 } from '../../../src/host/safetensors/cast.js';
import { compareModels } from '../../../src/host/safetensors/compare.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { reduceConfig, reduceLayers } from '../../../src/host/safetensors/reduce-layers.js';
import { writeModel as writeNew } from '../../../src/host/safetensors/write-model.js';
import { makeFolder, writeModel } from './writer.js';

const f32 = (values: readonly number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);
const bits = (words: readonly number[]): Uint8Array => new Uint8Array(new Uint32Array(words).buffer);
const words = (bytes: Uint8Array): number[] => [...new Uint16Array(Uint8Array.from(bytes).buffer)];

describe('rounding to BF16', () => {
  it.each([
    [0x3f800000, 0x3f80, 'a number that fits'],
    [0x3f808000, 0x3f80, 'the middle, to the even one below'],
    [0x3f818000, 0x3f82, 'the middle, to the even one above'],
    [0x3f808001, 0x3f81, 'just above the middle'],
    [0x3f817fff, 0x3f81, 'just below the middle'],
    [0x7f7fffff, 0x7f80, 'the largest, to infinity'],
    [0xff800000, 0xff80, 'minus infinity'],
    [0x7f800001, 0x7fc0, 'a NaN that would become infinity'],
    [0x80000000, 0x8000, 'minus zero'],
    [0x00000001, 0x0000, 'the smallest subnormal'],
  ])('%i becomes %i: %s', (from, to) => {
    expect(words(toBf16(bits([from])))).toEqual([to]);
  });

  it('takes the nearest of the two neighbours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7f7effff }), (word) => {
        const value = new Float32Array(new Uint32Array([word]).buffer)[0] ?? 0;
        const [got = 0] = words(toBf16(bits([word])));
        const wide = (half: number): number => new Float32Array(new Uint32Array([half << 16]).buffer)[0] ?? 0;
        const lower = word >>> 16;
        const error = Math.abs(wide(got) - value);
        expect(error).toBeLessThanOrEqual(Math.abs(wide(lower) - value));
        expect(error).toBeLessThanOrEqual(Math.abs(wide(lower + 1) - value));
      }),
    );
  });
});

describe('casting a model', () => {
  const CONFIG = { dtype: 'bfloat16', text_config: { torch_dtype: 'bfloat16' } };

  async function folders(name = 'a'): Promise<{ like: string; source: string; output: string }> {
    const dir = await makeFolder();
    const [like, source] = [join(dir, 'like'), join(dir, 'source')];
    await writeModel(
      like,
      { 'model-1.safetensors': { a: { dtype: 'BF16', shape: [6] }, b: { dtype: 'F32', shape: [2] } } },
      CONFIG,
    );
    await writeModel(
      source,
      {
        'model-1.safetensors': {
          [name]: { dtype: 'F32', shape: [6], bytes: f32([1, 1.00390625, -2.5, 3, 4, 5]) },
          b: { dtype: 'F32', shape: [2], bytes: f32([0.1, 1 / 3]) },
        },
      },
      CONFIG,
    );
    return { like, source, output: join(dir, 'output') };
  }

  it('rounds what is BF16 in the original and leaves the rest', async () => {
    const { like, source, output } = await folders();
    expect(await castLike({ source, like, output, isSourceRemoved: true })).toEqual({ tensors: 2, rounded: 1 });
    expect((await compareModels(like, output, { dtype: 'bf16' })).problems).toEqual([]);
    const { tensors } = await readModelFolder(output);
    const b = tensors.get('b');
    const from = (b?.dataStart ?? 0) + (b?.offsets[0] ?? 0);
    expect(readFileSync(join(output, b?.shard ?? '')).subarray(from, from + 8)).toEqual(Buffer.from(f32([0.1, 1 / 3])));
    expect(readdirSync(join(output, '..')).sort()).toEqual(['like', 'output']);
  });

  it('refuses a tensor that the original does not have, and leaves nothing', async () => {
    const { like, source, output } = await folders('other');
    await expect(castLike({ source, like, output, isSourceRemoved: true })).rejects.toMatchObject({
      problem: { code: 'ProofFailed' },
    });
    expect(readdirSync(join(output, '..')).sort()).toEqual(['like', 'source']);
  });

  it('makes the configuration of an F32 export tell the truth', async () => {
    const { source } = await folders();
    await tellDtype(source, 'float32');
    expect(JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'))).toEqual({
      dtype: 'float32',
      text_config: { torch_dtype: 'float32' },
    });
  });
});

describe('a model with fewer layers', () => {
  const layer = (index: number) => ({
    [`t.layers.${index}.w`]: { dtype: 'F32', shape: [1], bytes: f32([index]) } as const,
  });
  const CONFIG = {
    text_config: {
      num_hidden_layers: 3,
      first_k_dense_replace: 1,
      kinds: ['d', 'm', 'm'],
      num_nextn_predict_layers: 1,
    },
  };

  async function model(): Promise<string> {
    const dir = join(await makeFolder(), 'whole');
    const shards = {
      'a.safetensors': { e: { dtype: 'F32', shape: [1] } as const, ...layer(0), ...layer(1) },
      'b.safetensors': { ...layer(2), ...layer(3), ...layer(10) },
    };
    await writeModel(dir, shards, CONFIG);
    await mkdir(join(dir, 'extra'));
    writeFileSync(join(dir, 'extra/tokenizer.json'), '{}');
    return dir;
  }

  it('has the first layers, their configuration, and everything else', async () => {
    const source = await model();
    const output = `${source}-small`;
    const options = { source, output, layers: 2, prefix: 't.layers.', section: 'text_config' };
    expect(await reduceLayers(options)).toEqual({ tensors: 3, dropped: 3, layers: 2, originalLayers: 3 });
    const { tensors, problems } = await readModelFolder(output);
    expect([[...tensors.keys()].sort(), problems]).toEqual([['e', 't.layers.0.w', 't.layers.1.w'], []]);
    expect(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))).toEqual({
      text_config: { num_hidden_layers: 2, first_k_dense_replace: 1, kinds: ['d', 'm'], num_nextn_predict_layers: 0 },
    });
    expect(readFileSync(join(output, 'extra/tokenizer.json'), 'utf8')).toBe('{}');
    await expect(reduceLayers(options)).rejects.toMatchObject({ problem: { what: 'the output is there already' } });
  });

  it('is made again over what a killed one left', async () => {
    const source = await model();
    const output = join(source, '../small');
    await mkdir(join(source, '../.small.partial'));
    writeFileSync(join(source, '../.small.partial/model.safetensors'), 'half');
    await reduceLayers({ source, output, layers: 3, prefix: 't.layers.', section: 'text_config' });
    expect((await readModelFolder(output)).problems).toEqual([]);
  });

  it.each([0, 1, 4])('of %i is refused: all layers with experts or more than there are', (layers) => {
    expect(() => reduceConfig(CONFIG, layers, 'text_config', 'config.json')).toThrow(/cannot be kept of 3/);
  });

  it('is refused for a folder that is not whole, or whose layers have other names', async () => {
    const source = await model();
    const options = { source, output: `${source}-small`, layers: 2, section: 'text_config' };
    await expect(reduceLayers({ ...options, prefix: 'x.' })).rejects.toMatchObject({
      problem: { code: 'SourceMissing' },
    });
    writeFileSync(join(source, 'stray.safetensors'), '');
    await expect(reduceLayers({ ...options, prefix: 't.layers.' })).rejects.toMatchObject({
      problem: { what: 'no index entry names this file' },
    });
  });
});

describe('a written model', () => {
  it('is split into files of the asked size, aligned, and found whole', async () => {
    const dir = await makeFolder();
    const tensor = (name: string, count: number) => ({
      name,
      dtype: 'F32' as const,
      shape: [count],
      async *data() {
        yield f32(Array.from({ length: count }, (_, index) => index));
      },
    });
    await writeNew(dir, [tensor('a', 4), tensor('bb', 4), tensor('c', 40), tensor('d', 0)], { shardBytes: 32 });
    const folder = await readModelFolder(dir);
    expect(folder.problems).toEqual([]);
    expect([...folder.tensors].map(([name, { shard, dataStart }]) => [name, shard, dataStart % 8])).toEqual([
      ['a', 'model-00001-of-00003.safetensors', 0],
      ['bb', 'model-00001-of-00003.safetensors', 0],
      ['c', 'model-00002-of-00003.safetensors', 0],
      ['d', 'model-00003-of-00003.safetensors', 0],
    ]);
  });

  it('fails when a tensor has other data than its shape says', async () => {
    const short = {
      name: 'a',
      dtype: 'F32' as const,
      shape: [2],
      data: async function* () {
        yield f32([1]);
      },
    };
    await expect(writeNew(await makeFolder(), [short])).rejects.toThrow('4 bytes of data instead of 8');
  });
});
