import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareModels } from '../../../src/host/safetensors/compare.js';
import { ModelComparisonSchema, type ExportDtype, type ModelComparison } from '../../../src/schemas/model-files.js';
import { copyFixture, READERS } from '../checkpoint/fixtures.js';
import { makeFolder, writeModel, type WrittenTensor } from './writer.js';

const ORIGINAL = join(READERS, 'hf');
const TRAINED = join(READERS, 'hf-trained');
const FROZEN = ['visual.blocks'];

describe('an export of real tensors', () => {
  test('widened to F32 is what f32 asks for, with the frozen tower equal and others trained', async () => {
    const answer = await compareModels(ORIGINAL, TRAINED, { dtype: 'f32', frozen: FROZEN, isDeep: true });
    expect(answer).toEqual({ v: 1, ok: true, dtype: 'f32', isDeep: true, tensors: 13, bytes: 632, problems: [] });
    expect(ModelComparisonSchema.parse(answer)).toEqual(answer);
  });

  test('is refused when bf16 was asked for', async () => {
    const { problems } = await compareModels(ORIGINAL, TRAINED, { dtype: 'bf16' });
    expect(problems).toMatchObject([
      { id: 'dtype-differs', what: expect.stringContaining('F32 instead of BF16 in 12 tensors') },
    ]);
  });

  test('that equals the original was not trained', async () => {
    const answer = await compareModels(ORIGINAL, ORIGINAL, { dtype: 'bf16', frozen: FROZEN, isDeep: true });
    expect(answer.problems).toMatchObject([
      { id: 'nothing-trained', what: 'nothing was trained: all 12 tensors that may differ are equal' },
    ]);
    expect((await compareModels(ORIGINAL, ORIGINAL, { dtype: 'bf16' })).ok).toBe(true);
  });

  test('that equals the original after a cast passes when the training was shown before it, its frozen part does not', async () => {
    const afterCast = { dtype: 'bf16', frozen: FROZEN, isDeep: true, mayBeEqual: true } as const;
    expect((await compareModels(ORIGINAL, ORIGINAL, afterCast)).ok).toBe(true);
    const changed = { ...afterCast, dtype: 'f32', frozen: ['lm_head'] } as const;
    expect(ids(await compareModels(ORIGINAL, TRAINED, changed))).toEqual(['frozen-changed']);
  });

  test('that changed a frozen tensor is refused, and so is a pattern that freezes nothing', async () => {
    const answer = await compareModels(ORIGINAL, TRAINED, {
      dtype: 'f32',
      frozen: ['lm_head', 'visual.merger'],
      isDeep: true,
    });
    expect(ids(answer)).toEqual(['frozen-absent', 'frozen-changed']);
  });

  test.each([
    ['BF16', 'bf16', [0xc0, 0x7f], [0x80, 0xff]],
    ['F32', 'f32', [1, 0, 0xc0, 0x7f], [0, 0, 0x80, 0xff]],
  ] as const)('with a %s tensor of nothing but NaN and infinity is refused', async (dtype, asked, nan, infinite) => {
    const folder = async (name: string, bytes: readonly number[]): Promise<string> => {
      const at = join(await makeFolder(), name);
      const tensors: Record<string, WrittenTensor> = {
        broken: { dtype, shape: [2], bytes: Uint8Array.from(bytes) },
        mask: { dtype, shape: [1], bytes: Uint8Array.from(infinite) },
        empty: { dtype, shape: [0] },
        count: { dtype: 'I64', shape: [1], bytes: new Uint8Array(8).fill(255) },
      };
      await writeModel(at, { 'model.safetensors': tensors }, { dtype: asked === 'bf16' ? 'bfloat16' : 'float32' });
      return at;
    };
    const zero = nan.map(() => 0);
    const original = await folder('original', [...zero, ...zero]);
    const check = async (bytes: readonly number[]) =>
      (await compareModels(original, await folder('exported', bytes), { dtype: asked, isDeep: true })).problems;
    expect(await check([...nan, ...infinite])).toMatchObject([
      { id: 'not-finite', what: 'nothing but NaN or infinity in 1 tensor: broken' },
    ]);
    // One finite number is enough: single overflows are for the person who looks at the loss.
    expect(await check([...infinite, ...zero])).toEqual([]);
  });

  test.each([
    ['bfloat16', { dtype: 'bfloat16' }, 'dtype is bfloat16, the weights are float32'],
    ['the old field', { torch_dtype: 'torch.bfloat16' }, 'torch_dtype is bfloat16'],
    ['a wrong part', { dtype: 'float32', text_config: { dtype: 'bfloat16' } }, 'text_config.dtype is bfloat16'],
    ['nothing', {}, 'names no dtype'],
  ])('whose config.json says %s does not tell the truth', async (_, config, what) => {
    const exported = await copyFixture('hf-trained');
    await writeFile(join(exported, 'config.json'), JSON.stringify(config));
    const { problems } = await compareModels(ORIGINAL, exported, { dtype: 'f32' });
    expect(problems).toMatchObject([{ id: 'config-dtype-wrong', what: expect.stringContaining(what) }]);
  });

  test('without a readable config.json is refused', async () => {
    const exported = await copyFixture('hf-trained');
    await writeFile(join(exported, 'config.json'), '{');
    expect(ids(await compareModels(ORIGINAL, exported, { dtype: 'f32' }))).toEqual(['config-damaged']);
    await rm(join(exported, 'config.json'));
    expect(ids(await compareModels(ORIGINAL, exported, { dtype: 'f32' }))).toEqual(['config-damaged']);
  });

  test('with one changed bit in a frozen tensor is found', async () => {
    const exported = await copyFixture('hf-trained');
    const { shard, at } = await locate(exported, 'model.visual.blocks.0.attn.qkv.weight');
    const bytes = await readFile(join(exported, shard));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(join(exported, shard), bytes);
    expect(ids(await compareModels(ORIGINAL, exported, { dtype: 'f32', frozen: FROZEN, isDeep: true }))).toEqual([
      'frozen-changed',
    ]);
  });
});

describe('made-up exports', () => {
  const bf16: WrittenTensor = { dtype: 'BF16', shape: [2, 2] };
  const f32: WrittenTensor = { dtype: 'F32', shape: [2, 2] };

  test.each<[string, ExportDtype, Record<string, WrittenTensor>, readonly string[]]>([
    ['as asked', 'bf16', { a: bf16, b: bf16, bias: f32 }, []],
    ['widened', 'f32', { a: f32, b: f32, bias: f32 }, []],
    ['half widened, f32 asked', 'f32', { a: f32, b: bf16, bias: f32 }, ['dtype-mixed']],
    ['half widened, bf16 asked', 'bf16', { a: f32, b: bf16, bias: f32 }, ['dtype-mixed']],
    ['not widened at all', 'f32', { a: bf16, b: bf16, bias: f32 }, ['dtype-differs']],
    ['an F32 tensor narrowed', 'bf16', { a: bf16, b: bf16, bias: bf16 }, ['dtype-differs']],
    ['a tensor missing', 'bf16', { a: bf16, bias: f32 }, ['tensor-missing']],
    ['a tensor too many', 'bf16', { a: bf16, b: bf16, bias: f32, c: bf16 }, ['tensor-extra']],
    ['another shape', 'bf16', { a: bf16, b: { dtype: 'BF16', shape: [4] }, bias: f32 }, ['shape-differs']],
  ])('%s', async (_, dtype, tensors, expected) => {
    const dir = await makeFolder();
    const [original, exported] = [join(dir, 'original'), join(dir, 'exported')];
    await writeModel(original, { 'model.safetensors': { a: bf16, b: bf16, bias: f32 } }, { dtype: 'bfloat16' });
    const isNarrow = tensors['a']?.dtype === 'BF16';
    await writeModel(exported, { 'model.safetensors': tensors }, { dtype: isNarrow ? 'bfloat16' : 'float32' });
    expect(ids(await compareModels(original, exported, { dtype })).filter((id) => id !== 'config-dtype-wrong')).toEqual(
      expected,
    );
  });

  test('values that differ only in the second chunk of a read', async () => {
    const dir = await makeFolder();
    const elements = (1 << 19) + 1;
    const bytes = new Uint8Array(elements);
    bytes[elements - 1] = 1;
    const big: WrittenTensor = { dtype: 'U8', shape: [elements] };
    await writeModel(join(dir, 'original'), { 'model.safetensors': { big, w: bf16 } }, { dtype: 'bfloat16' });
    await writeModel(
      join(dir, 'exported'),
      { 'model.safetensors': { big: { ...big, bytes }, w: bf16 } },
      { dtype: 'bfloat16' },
    );
    const compare = (frozen: readonly string[]): Promise<ModelComparison> =>
      compareModels(join(dir, 'original'), join(dir, 'exported'), { dtype: 'bf16', frozen, isDeep: true });
    expect(ids(await compare(['w']))).toEqual([]);
    expect(ids(await compare(['big']))).toEqual(['frozen-changed', 'nothing-trained']);
  });

  test('a broken original proves nothing', async () => {
    const original = await copyFixture('hf');
    await rm(join(original, 'model-00002-of-00002.safetensors'));
    expect((await compareModels(original, TRAINED, { dtype: 'f32' })).problems[0]).toMatchObject({
      id: 'file-unreadable',
    });
  });
});

async function locate(dir: string, name: string): Promise<{ readonly shard: string; readonly at: number }> {
  const index = JSON.parse(await readFile(join(dir, 'model.safetensors.index.json'), 'utf8'));
  const shard: string = index.weight_map[name];
  const bytes = await readFile(join(dir, shard));
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  return { shard, at: 8 + headerBytes + header[name].data_offsets[0] };
}

function ids(answer: ModelComparison): readonly string[] {
  return answer.problems.map(({ id }) => id);
}

describe('an export as large as the real one', () => {
  /** Tensors of a model with 106 billion parameters, and what their headers may take. */
  const [TENSORS, BUDGET_MS] = [40_000, 2_000];

  test('is compared by its headers within two seconds', { timeout: 60_000 }, async () => {
    const folder = await makeFolder();
    const [original, exported] = [join(folder, 'original'), join(folder, 'exported')];
    for (const [dir, dtype, shards] of [
      [original, 'bfloat16', 46],
      [exported, 'float32', 108],
    ] as const)
      await writeMany(dir, dtype, shards);
    // Time of the processor: on a machine that does something else too, the clock tells how long that took.
    const [startedAt, used] = [performance.now(), process.cpuUsage()];
    const answer = await compareModels(original, exported, { dtype: 'f32' });
    const { user, system } = process.cpuUsage(used);
    const [cpuMs, wallMs] = [(user + system) / 1_000, performance.now() - startedAt];
    process.stdout.write(
      `${TENSORS} tensors from headers: ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} of them busy\n`,
    );
    expect(answer).toMatchObject({ ok: true, tensors: TENSORS });
    expect(cpuMs).toBeLessThan(BUDGET_MS);
  });

  async function writeMany(dir: string, dtype: 'bfloat16' | 'float32', shards: number): Promise<void> {
    const tensor: WrittenTensor = { dtype: dtype === 'float32' ? 'F32' : 'BF16', shape: [1] };
    const files: Record<string, Record<string, WrittenTensor>> = {};
    for (let index = 0; index < TENSORS; index += 1) {
      const shard = `model-${String(index % shards).padStart(5, '0')}.safetensors`;
      const name = `model.language_model.layers.${index % 46}.mlp.experts.${index}.gate_proj.weight`;
      (files[shard] ??= {})[name] = tensor;
    }
    await writeModel(dir, files, { dtype });
  }
});
