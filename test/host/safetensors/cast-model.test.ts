import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { castModel } from '../../../src/host/safetensors/cast-model.js';
import { compareModels } from '../../../src/host/safetensors/compare.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { makeFolder, writeModel, type WrittenTensor } from './writer.js';

/** Seven values: one, a tie to even, a tie up, a NaN, infinity, minus zero, a subnormal. */
const WIDE = [0x3f_80_00_00, 0x3f_80_80_00, 0x3f_81_80_00, 0x7f_c0_00_01, 0x7f_80_00_00, 0x80_00_00_00, 0x00_00_ff_ff];
const NARROW = [0x3f_80, 0x3f_80, 0x3f_82, 0x7f_c0, 0x7f_80, 0x80_00, 0x00_01];
const F32 = (bits: readonly number[]): WrittenTensor => ({
  dtype: 'F32',
  shape: [bits.length],
  bytes: new Uint8Array(Uint32Array.from(bits).buffer),
});
const BF16 = (count: number): WrittenTensor => ({ dtype: 'BF16', shape: [count] });
const BIAS = F32([0x12_34_56_78]);
const COUNTS: WrittenTensor = { dtype: 'I64', shape: [1], bytes: new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0]) };

async function site() {
  const dir = await makeFolder();
  const [like, source, output] = ['like', 'f32', 'out'].map((name) => join(dir, name)) as [string, string, string];
  // The original lies in other shards than the export, as upstream's converter makes it.
  await writeModel(
    like,
    {
      'model-1.safetensors': { a: BF16(7), empty: { dtype: 'BF16', shape: [0, 4] } },
      'model-2.safetensors': { bias: BIAS, n: COUNTS },
    },
    { dtype: 'bfloat16', text_config: { dtype: 'bfloat16' } },
  );
  await writeModel(
    source,
    {
      'model-00001-of-00002.safetensors': { bias: BIAS, a: F32(WIDE) },
      'model-00002-of-00002.safetensors': { n: COUNTS, empty: { dtype: 'F32', shape: [0, 4] } },
    },
    // Copied from the original: no longer true.
    { model_type: 'x', dtype: 'bfloat16', text_config: { torch_dtype: 'bfloat16', layers: 3 } },
  );
  await mkdir(join(source, 'assets'));
  await writeFile(join(source, 'assets', 'template.jinja'), 'hello');
  await writeFile(join(source, 'tokenizer.json'), '{}');
  return { dir, like, source, output };
}

async function values(dir: string, name: string): Promise<Buffer> {
  const tensor = (await readModelFolder(dir)).tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  const bytes = await readFile(join(dir, tensor.shard));
  return bytes.subarray(tensor.dataStart + tensor.offsets[0], tensor.dataStart + tensor.offsets[1]);
}

describe('the cast of an exported model', () => {
  it('makes BF16 of exactly what is BF16 in the original, bit for bit, and leaves the rest', async () => {
    const { like, source, output } = await site();
    const report = await castModel({ source, like, dtype: 'bf16', output });
    expect(report).toMatchObject({ v: 1, dtype: 'bf16', cast: 2, kept: 2, bytes: 26 });
    const cast = await values(output, 'a');
    expect([...new Uint16Array(cast.buffer.slice(cast.byteOffset, cast.byteOffset + cast.length))]).toEqual(NARROW);
    expect(await values(output, 'bias')).toEqual(Buffer.from(BIAS.bytes ?? []));
    expect(await values(output, 'n')).toEqual(Buffer.from(COUNTS.bytes ?? []));
    const folder = await readModelFolder(output);
    expect(folder.problems).toEqual([]);
    expect(Object.fromEntries([...folder.tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]))).toEqual(
      {
        a: { dtype: 'BF16', shape: [7] },
        bias: { dtype: 'F32', shape: [1] },
        empty: { dtype: 'BF16', shape: [0, 4] },
        n: { dtype: 'I64', shape: [1] },
      },
    );
    expect(await compareModels(like, output, { dtype: 'bf16' })).toMatchObject({ ok: true, problems: [] });
  });

  it('takes everything else along and makes config.json tell the truth', async () => {
    const { like, source, output } = await site();
    await castModel({ source, like, dtype: 'bf16', output });
    expect(await readFile(join(output, 'assets', 'template.jinja'), 'utf8')).toBe('hello');
    expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))).toEqual({
      model_type: 'x',
      dtype: 'bfloat16',
      text_config: { torch_dtype: 'bfloat16', layers: 3 },
    });
    expect((await readdir(output)).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('only corrects config.json for f32', async () => {
    const { like, source } = await site();
    const report = await castModel({ source, like, dtype: 'f32', output: null });
    expect(report).toMatchObject({ cast: 0, kept: 4 });
    expect(JSON.parse(await readFile(join(source, 'config.json'), 'utf8'))).toEqual({
      model_type: 'x',
      dtype: 'float32',
      text_config: { torch_dtype: 'float32', layers: 3 },
    });
    expect(await compareModels(like, source, { dtype: 'f32' })).toMatchObject({ ok: true, problems: [] });
  });

  it('adds the dtype where config.json names none', async () => {
    const { like, source, output } = await site();
    await writeFile(join(source, 'config.json'), '{"model_type":"x"}');
    await castModel({ source, like, dtype: 'bf16', output });
    expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))).toEqual({
      model_type: 'x',
      torch_dtype: 'bfloat16',
    });
  });

  it('can be called again after it was interrupted, and after it removed its source', async () => {
    const { like, source, output } = await site();
    await mkdir(output);
    await writeFile(join(output, '.model-00001-of-00002.safetensors.11111111-2222-3333-4444-555555555555.tmp'), 'half');
    const stop = new AbortController();
    await expect(
      castModel({ source, like, dtype: 'bf16', output, signal: stop.signal, onShard: () => stop.abort() }),
    ).rejects.toThrow();
    // No index yet: nobody takes it for a model.
    await expect(access(join(output, 'model.safetensors.index.json'))).rejects.toThrow();
    await castModel({ source, like, dtype: 'bf16', output, removeSource: true });
    await expect(access(source)).rejects.toThrow();
    await expect(access(`${source}.removed`)).rejects.toThrow();
    expect(await castModel({ source, like, dtype: 'bf16', output, removeSource: true })).toMatchObject({ bytes: 26 });
    expect((await readModelFolder(output)).problems).toEqual([]);
    expect((await readdir(output)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('does not take an unfinished output for finished when the source is gone', async () => {
    const { like, source, output } = await site();
    await castModel({ source, like, dtype: 'bf16', output });
    await rm(source, { recursive: true });
    await rm(join(output, 'model.safetensors.index.json'));
    await expect(castModel({ source, like, dtype: 'bf16', output })).rejects.toThrow(/not whole/);
  });

  it.each<[string, (made: Awaited<ReturnType<typeof site>>) => Promise<unknown>, RegExp]>([
    [
      'a tensor that the original has not',
      ({ source }) => writeModel(source, { 'm.safetensors': { a: F32(WIDE), extra: F32([1]) } }, {}),
      /not whole|cannot be cast/,
    ],
    [
      'a tensor in a third format',
      ({ dir }) =>
        writeModel(
          join(dir, 'f32'),
          {
            'model-00001-of-00002.safetensors': { bias: BIAS, a: { dtype: 'F16', shape: [7] } },
            'model-00002-of-00002.safetensors': { n: COUNTS, empty: { dtype: 'F32', shape: [0, 4] } },
          },
          {},
        ),
      /neither the original's format nor F32/,
    ],
    [
      'foreign weights in the output',
      async ({ output }) => {
        await mkdir(output);
        await writeFile(join(output, 'other.safetensors'), 'x');
      },
      /not of this model/,
    ],
  ])('refuses %s', async (_what, spoil, message) => {
    const made = await site();
    await spoil(made);
    const { like, source, output } = made;
    await expect(castModel({ source, like, dtype: 'bf16', output })).rejects.toThrow(message);
  });

  it('refuses to write over what it reads', async () => {
    const { like, source } = await site();
    for (const output of [source, join(source, 'inner'), like]) {
      await expect(castModel({ source, like, dtype: 'bf16', output })).rejects.toThrow(/lie in one another/);
    }
    expect((await readModelFolder(source)).problems).toEqual([]);
  });

  it('needs a folder to write for bf16', async () => {
    const { like, source } = await site();
    await expect(castModel({ source, like, dtype: 'bf16', output: null })).rejects.toThrow(/--output DIR/);
  });

  it('casts tensors larger than a chunk, at every edge of one', async () => {
    const dir = await makeFolder();
    const [like, source, output] = ['like', 'f32', 'out'].map((name) => join(dir, name)) as [string, string, string];
    const count = (8 << 20) / 4 + 3;
    const wide = new Uint32Array(count);
    for (let index = 0; index < count; index += 1)
      wide[index] = (index % 0x7f_80) * 0x1_00_00 + (index % 3 === 0 ? 0x80_01 : 0);
    const big: WrittenTensor = { dtype: 'F32', shape: [count], bytes: new Uint8Array(wide.buffer) };
    await writeModel(like, { 'm.safetensors': { big: BF16(count) } }, { dtype: 'bfloat16' });
    await writeModel(source, { 'm.safetensors': { big } }, { dtype: 'bfloat16' });
    await castModel({ source, like, dtype: 'bf16', output });
    const cast = await values(output, 'big');
    const narrow = new Uint16Array(cast.buffer.slice(cast.byteOffset, cast.byteOffset + cast.length));
    const wrong = [...narrow.keys()].filter((index) => narrow[index] !== (index % 0x7f_80) + (index % 3 === 0 ? 1 : 0));
    expect([narrow.length, wrong]).toEqual([count, []]);
  });
});
