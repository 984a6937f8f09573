import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { castLike } from '../../../src/host/safetensors/cast.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { makeFolder, writeModel, type WrittenTensor } from './writer.js';

const CONFIG = { dtype: 'bfloat16' };
const PIECE = 4 * 1024 * 1024;

function f32(bits: Uint32Array): WrittenTensor {
  return { dtype: 'F32', shape: [bits.length], bytes: new Uint8Array(bits.buffer) };
}

async function site(count: number) {
  const dir = await makeFolder();
  const [like, source, output] = ['like', 'f32', 'out'].map((name) => join(dir, name)) as [string, string, string];
  const bits = Uint32Array.from(
    { length: count },
    (_, at) => (at % 0x7f_80) * 0x1_00_00 + (at % 3 === 0 ? 0x80_01 : 0),
  );
  const bias = f32(Uint32Array.of(0x12_34_56_78));
  await writeModel(like, { 'model.safetensors': { big: { dtype: 'BF16', shape: [count] }, bias } }, CONFIG);
  await writeModel(source, { 'model.safetensors': { bias, big: f32(bits) } }, CONFIG);
  return { dir, like, source, output, bias };
}

describe('a cast', () => {
  it('rounds every number, at the edges of its pieces too', async () => {
    const count = (2 * PIECE) / 4 + 3;
    const { like, source, output } = await site(count);
    await castLike({ source, like, output, isSourceRemoved: false });
    const tensor = (await readModelFolder(output)).tensors.get('big');
    if (tensor === undefined) throw new Error('no tensor');
    const bytes = await readFile(join(output, tensor.shard));
    const data = Uint8Array.from(
      bytes.subarray(tensor.dataStart + tensor.offsets[0], tensor.dataStart + tensor.offsets[1]),
    );
    const narrow = new Uint16Array(data.buffer);
    const wrong = [...narrow.keys()].filter((at) => narrow[at] !== (at % 0x7f_80) + (at % 3 === 0 ? 1 : 0));
    expect([narrow.length, wrong]).toEqual([count, []]);
  });

  it('is done when it was killed behind its last rename, and removes its source then', async () => {
    const { like, source, output } = await site(5);
    await castLike({ source, like, output, isSourceRemoved: false });
    await castLike({ source, like, output, isSourceRemoved: true });
    await expect(access(source)).rejects.toThrow();
    expect(await castLike({ source, like, output, isSourceRemoved: true })).toEqual({ tensors: 2, rounded: 0 });
    expect((await readModelFolder(output)).problems).toEqual([]);
  });

  it('does not take another folder for its output', async () => {
    const { like, source, output } = await site(5);
    await mkdir(output);
    await writeFile(join(output, 'notes.txt'), 'mine');
    await expect(castLike({ source, like, output, isSourceRemoved: true })).rejects.toThrow(/there already/);
    await access(source);
    expect(await readdir(output)).toEqual(['notes.txt']);
  });

  it('refuses a model that lacks a tensor of the original', async () => {
    const { like, source, output, bias } = await site(5);
    await writeModel(source, { 'model.safetensors': { bias } }, CONFIG);
    await expect(castLike({ source, like, output, isSourceRemoved: true })).rejects.toThrow(/has more: 1 tensor: big/);
    await access(source);
  });
});
