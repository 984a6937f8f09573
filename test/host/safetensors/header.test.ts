import fc from 'fast-check';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSafetensorsHeader, type SafetensorsHeader } from '../../../src/host/safetensors/header.js';
import { TensorDtypeSchema } from '../../../src/schemas/model-files.js';
import { READERS } from '../checkpoint/fixtures.js';
import { encodeSafetensors, makeFolder } from './writer.js';

test("reads what Python's safetensors wrote", async () => {
  const header = await readSafetensorsHeader(join(READERS, 'hf/model-00001-of-00002.safetensors'));
  expect(header).toMatchObject({ fileBytes: 968, metadata: { format: 'pt' }, problems: [] });
  expect(header.tensors.get('lm_head.weight')).toMatchObject({ dtype: 'BF16', shape: [8, 4] });
});

test('gives back any tensors that were written (property)', async () => {
  const dir = await makeFolder();
  const tensor = fc.record({
    dtype: fc.constantFrom(...TensorDtypeSchema.options),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
  });
  const tensors = fc.dictionary(fc.string({ minLength: 1 }), tensor, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(tensors, async (written) => {
      const path = join(dir, 'x.safetensors');
      await writeFile(path, encodeSafetensors(written));
      const header = await readSafetensorsHeader(path);
      expect(header.problems).toEqual([]);
      const found = [...header.tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]);
      expect(Object.fromEntries(found)).toEqual(written);
    }),
    { numRuns: 200 },
  );
});

describe('refuses', () => {
  const good = encodeSafetensors({ w: { dtype: 'F32', shape: [2] } });
  const withHeader = (header: string, data = 8): Buffer => {
    return Buffer.concat([encodeSafetensors({}, header), Buffer.alloc(data)]);
  };
  const entry = (dtype: string, shape: string, offsets: string): string => {
    return `{"w":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`;
  };
  test.each<[string, Buffer, string, string]>([
    ['an empty file', Buffer.alloc(0), 'header-damaged', '0 bytes'],
    ['a cut length', good.subarray(0, 7), 'header-damaged', '7 bytes'],
    ['a cut header', good.subarray(0, 20), 'header-damaged', 'file of 20'],
    ['a header over 100 MB', Buffer.from([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]), 'header-damaged', '100000001'],
    ['a length of 2^64', Buffer.alloc(64, 0xff), 'header-damaged', '18446744073709551615'],
    ['no JSON', withHeader('{"w":'), 'header-damaged', 'JSON'],
    ['a JSON list', withHeader('[]'), 'header-damaged', 'JSON object'],
    ['cut data', good.subarray(0, good.length - 1), 'size-wrong', '7 bytes of data'],
    ['data behind the last tensor', Buffer.concat([good, Buffer.from('x')]), 'size-wrong', '9 bytes'],
    ['data without tensors', withHeader('{}'), 'size-wrong', 'take 0'],
    ['an unknown dtype', withHeader(entry('"F7"', '[2]', '[0,8]')), 'tensor-invalid', 'dtype "F7"'],
    ['a byte order mark', withHeader('\ufeff{}', 0), 'header-damaged', 'JSON object'],
    ['metadata that is no object', withHeader('{"__metadata__":"x"}', 0), 'header-damaged', '__metadata__'],
    ['metadata with a number', withHeader('{"__metadata__":{"format":1}}', 0), 'header-damaged', '__metadata__'],
    ['metadata twice', withHeader('{"__metadata__":{},"__metadata__":{}}', 0), 'header-damaged', 'twice'],
    ['a size with a point', withHeader(entry('"F32"', '[2.0]', '[0,8]')), 'header-damaged', '2.0 is no plain'],
    ['an offset with an exponent', withHeader(entry('"F32"', '[2]', '[0,8e0]')), 'header-damaged', '8e0 is no plain'],
    ['an offset of -0', withHeader(entry('"F32"', '[2]', '[-0,8]')), 'header-damaged', '-0 is no plain'],
    [
      'a field twice',
      withHeader('{"w":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}'),
      'header-damaged',
      'dtype stands in it twice',
    ],
    [
      'a tensor twice, once in other letters',
      withHeader(`${entry('"F32"', '[2]', '[0,8]').slice(0, -1)},"\\u0077":{}}`),
      'header-damaged',
      'w stands in it twice',
    ],
    ['half a letter in a name', withHeader('{"\\ud800":{}}', 0), 'header-damaged', 'no text'],
    [
      'a product beyond 64 bits, with a 0 behind it',
      withHeader(entry('"F32"', '[9007199254740991,9007199254740991,0]', '[0,0]'), 0),
      'tensor-invalid',
      'more elements than 64 bits count',
    ],
    ['a negative size', withHeader(entry('"F32"', '[-2]', '[0,8]')), 'tensor-invalid', 'shape is [-2]'],
    ['a shape that is no list', withHeader(entry('"F32"', '2', '[0,8]')), 'tensor-invalid', 'shape is 2'],
    [
      'offsets beyond 2^53',
      withHeader(entry('"F32"', '[2]', '[9007199254740992,9007199254741000]')),
      'tensor-invalid',
      'data_offsets',
    ],
    ['a wrong byte count', withHeader(entry('"F32"', '[3]', '[0,8]')), 'tensor-invalid', 'takes 12 bytes'],
    ['an entry that is no object', withHeader('{"w":1}'), 'tensor-invalid', 'not an object'],
    ['a gap', withHeader(entry('"F32"', '[1]', '[4,8]')), 'tensor-invalid', 'a gap'],
    [
      'an overlap',
      withHeader(
        '{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
      ),
      'tensor-invalid',
      'an overlap',
    ],
  ])('%s', async (_, content, id, what) => {
    const header = await readBytes(content);
    expect(header.problems.map((problem) => problem.id)).toContain(id);
    expect(header.problems.map((problem) => problem.what).join('\n')).toContain(what);
  });

  test('a file that is not there, and a folder', async () => {
    const dir = await makeFolder();
    await mkdir(join(dir, 'w.safetensors'));
    for (const path of [join(dir, 'none.safetensors'), join(dir, 'w.safetensors')]) {
      expect((await readSafetensorsHeader(path)).problems).toMatchObject([{ id: 'file-unreadable', where: path }]);
    }
  });

  test('every shorter file', async () => {
    for (let length = 0; length < good.length; length += 1) {
      expect((await readBytes(good.subarray(0, length))).problems).not.toEqual([]);
    }
  });
});

async function readBytes(content: Uint8Array): Promise<SafetensorsHeader> {
  const path = join(await makeFolder(), 'x.safetensors');
  await writeFile(path, content);
  return readSafetensorsHeader(path);
}
