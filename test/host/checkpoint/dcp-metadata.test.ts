import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findContradictions } from '../../../src/host/checkpoint/consistency.js';
import { decodeMetadata } from '../../../src/host/checkpoint/dcp-decode.js';
import { DcpMetadataError, type DcpMetadata, type DcpTensor } from '../../../src/host/checkpoint/dcp-metadata.js';
import { readDcpMetadata } from '../../../src/host/checkpoint/dcp-read.js';
import { READERS } from './fixtures.js';

const GATE_UP = 'model.model.model.language_model.layers.1.mlp.experts.gate_up_proj';

describe('reading', () => {
  test('two ranks with optimizer: tensors, chunks, shards, entries', async () => {
    const metadata = await readDcpMetadata(join(READERS, 'dcp/iter_0000004/.metadata'));
    expect(metadata.tensors.get(GATE_UP)).toEqual({
      dtype: 'F32',
      size: [8, 4],
      chunks: [
        { offsets: [0, 0], sizes: [4, 4] },
        { offsets: [4, 0], sizes: [4, 4] },
      ],
    });
    expect(metadata.tensors.get('optimizer.state.0.step')).toMatchObject({
      size: [],
      chunks: [{ offsets: [], sizes: [] }],
    });
    expect([...metadata.bytesEntries].toSorted()).toEqual([
      'args',
      'checkpoint_version',
      'iteration',
      'opt_param_scheduler.num_steps',
      'optimizer.param_groups.lr',
    ]);
    expect(metadata.storage.get('__0_0.distcp')?.maxEnd).toBe(22086);
    expect(metadata.storage.get('__1_0.distcp')?.items[0]).toEqual({
      fqn: 'checkpoint_version',
      chunkOffsets: null,
      offset: 0,
      length: 1261,
    });
    expect(metadata).toMatchObject({ version: '1.0.0', savedIn: 'iter_0000004', foreignGlobals: [] });
  });

  test('converted weights keep BF16 beside F32', async () => {
    const { tensors } = await readDcpMetadata(join(READERS, 'dcp-release/release/.metadata'));
    expect(tensors.get(GATE_UP)).toMatchObject({ dtype: 'BF16', size: [8, 4] });
    expect(tensors.get('model.model.model.language_model.layers.1.mlp.gate.e_score_correction_bias')?.dtype).toBe(
      'F32',
    );
  });

  test('names that only another planner or a hostile file would hold are told, not run', async () => {
    const bytes = await readFile(join(READERS, 'dcp-release/release/.metadata'));
    // Same length, so the frame still fits: the class of the folder becomes another function.
    const other = Buffer.from(bytes.toString('latin1').replace('PosixPath', 'rm_rf_all'), 'latin1');
    expect(decodeMetadata(other).foreignGlobals).toEqual(['pathlib.rm_rf_all']);
  });

  test.each([
    ['torch.serialization', 'torch.serialjzation', 'is torch.serialization._get_layout with one character damaged'],
    ['PosixPath', 'posixPath', 'pathlib.posixPath, which is pathlib.PosixPath with one character damaged'],
    ['PosixPath', 'Posix\x01ath', 'which Python cannot import'],
    ['_MEM_FORMAT_ENCODING', 'os_system_run_reboot', 'TensorProperties with a state that it does not take'],
    ['torch.strided', 'torch.stripes', '_get_layout with arguments that it does not take'],
    ['planner_data', 'planner_dat`', 'which is a damaged planner_data'],
    // REDUCE instead of NEWOBJ, and the other way round.
    ['BytesStorageMetadata\x94\x93\x94)\x81', 'BytesStorageMetadata\x94\x93\x94)R', 'which no save writes'],
    ['torch.strided\x94\x85\x94R', 'torch.strided\x94\x85\x94\x81', '_get_layout with arguments that it does not take'],
    // A dict of the text, and the text, instead of a tuple of it.
    ['torch.strided\x94\x85\x94R', 'torch.strided\x94\x94\x94R', 'whose arguments are no tuple'],
  ])('%j as %j is refused', async (from, to, what) => {
    const text = (await readFile(join(READERS, 'dcp-release/release/.metadata'))).toString('latin1');
    expect(text).toContain(from);
    const damaged = Buffer.from(text.replace(from, to), 'latin1');
    expect(() => decodeMetadata(damaged)).toThrow(DcpMetadataError);
    expect(() => decodeMetadata(damaged)).toThrow(what);
  });
});

describe('any damage to any byte', () => {
  test.each([
    ['dcp-release/release', [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80]],
    ['dcp/iter_0000004', [0xff]],
  ])(
    'of %s/.metadata is noticed or changes nothing',
    async (folder, masks) => {
      const original = await readFile(join(READERS, folder, '.metadata'));
      const expected = summarize(decodeMetadata(original));
      const shardSizes = await readShardSizes(join(READERS, folder));
      const silent: string[] = [];
      for (let offset = 0; offset < original.length; offset += 1) {
        for (const mask of masks) {
          const damaged = Buffer.from(original);
          damaged[offset] = (damaged[offset] ?? 0) ^ mask;
          const answer = answerOf(damaged, shardSizes);
          if (answer !== 'noticed' && answer !== expected) silent.push(`byte ${offset} xor ${mask}`);
        }
      }
      expect(silent).toEqual([]);
    },
    120_000,
  );

  test('every shorter file is refused', async () => {
    const original = await readFile(join(READERS, 'dcp-release/release/.metadata'));
    for (let length = 0; length < original.length; length += 1) {
      expect(() => decodeMetadata(original.subarray(0, length))).toThrow(DcpMetadataError);
    }
  });
});

describe('contradictions', () => {
  const whole = { offsets: [0, 0], sizes: [2, 3] };
  test.each<[string, DcpTensor['chunks'], string | undefined]>([
    ['one chunk', [whole], undefined],
    ['a grid', grid(), undefined],
    ['a chunk left out', grid().slice(1), 'hold 5 of its 6'],
    [
      'a chunk twice',
      [
        { offsets: [0, 0], sizes: [1, 3] },
        { offsets: [0, 0], sizes: [1, 3] },
      ],
      'overlap',
    ],
    ['a chunk outside', [{ offsets: [1, 0], sizes: [2, 3] }], 'lies outside'],
    ['another rank of dimensions', [{ offsets: [0], sizes: [6] }], 'lies outside'],
    [
      'crossing chunks',
      [
        { offsets: [0, 0], sizes: [2, 2] },
        { offsets: [1, 1], sizes: [1, 2] },
      ],
      'overlap',
    ],
  ])('%s', (_, chunks, what) => {
    const found = findContradictions(metadataOf({ dtype: 'F32', size: [2, 3], chunks }));
    if (what === undefined) expect(found).toEqual([]);
    else expect(found.join('\n')).toContain(what);
  });

  test('of a tensor in very many chunks are found in a moment, along whichever dimension it was cut', () => {
    const many = 60_000;
    const columns = Array.from({ length: many }, (_, column) => ({ offsets: [0, column], sizes: [1, 1] }));
    const began = performance.now();
    expect(findContradictions(metadataOf({ dtype: 'F32', size: [1, many], chunks: columns }))).toEqual([]);
    const twice = [...columns.slice(1), { offsets: [0, many - 1], sizes: [1, 1] }];
    expect(findContradictions(metadataOf({ dtype: 'F32', size: [1, many], chunks: twice }))).toContain(
      'two chunks of w overlap',
    );
    // Comparing every pair takes half a minute.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('of a tensor that is cut as no save cuts it are told without comparing every pair', () => {
    const half = 2_000;
    // Rows and columns cross in no element, but each lies beside all others in one of the two dimensions.
    const chunks = Array.from({ length: half }, (_, index) => [
      { offsets: [index, 0], sizes: [1, half] },
      { offsets: [half, half + index], sizes: [half, 1] },
    ]).flat();
    const rest = [
      { offsets: [0, half], sizes: [half, half] },
      { offsets: [half, 0], sizes: [half, half] },
    ];
    const found = findContradictions(
      metadataOf({ dtype: 'F32', size: [2 * half, 2 * half], chunks: [...chunks, ...rest] }),
    );
    expect(found[0]).toBe(`the ${2 * half + 2} chunks of w are cut as no save cuts them`);
  });

  test('items that are absent, unknown, doubled, too short or not end to end', () => {
    const good = metadataOf({ dtype: 'F32', size: [2, 3], chunks: [whole] });
    const item = { fqn: 'w', chunkOffsets: [0, 0], offset: 0, length: 100 };
    const withItems = (...items: (typeof item)[]): string =>
      findContradictions({ ...good, storage: new Map([['__0_0.distcp', { maxEnd: 100, items }]]) }).join('\n');
    expect(withItems()).toContain('w[0,0] is stored nowhere');
    expect(withItems({ ...item, fqn: 'x' })).toContain('x[0,0] is stored but not in the list');
    expect(withItems(item, { ...item, offset: 100 })).toContain('stored twice');
    expect(withItems({ ...item, length: 23 })).toContain('needs 24 bytes and is stored in 23');
    expect(withItems({ ...item, offset: 1 })).toContain('starts at byte 1');
  });
});

function grid(): DcpTensor['chunks'] {
  return [0, 1].flatMap((row) => [0, 1, 2].map((column) => ({ offsets: [row, column], sizes: [1, 1] })));
}

function metadataOf(tensor: DcpTensor): DcpMetadata {
  const items = tensor.chunks.map((chunk, index) => ({
    fqn: 'w',
    chunkOffsets: chunk.offsets,
    offset: index * 100,
    length: 100,
  }));
  return {
    tensors: new Map([['w', tensor]]),
    bytesEntries: new Set(),
    storage: new Map([['__0_0.distcp', { maxEnd: items.length * 100, items }]]),
    keyPaths: new Map(),
    savedIn: null,
    version: null,
    foreignGlobals: [],
  };
}

async function readShardSizes(dir: string): Promise<ReadonlyMap<string, number>> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.distcp'));
  return new Map(await Promise.all(names.map(async (name) => [name, (await stat(join(dir, name))).size] as const)));
}

/** Noticed by the metadata itself or by the sizes of the shards beside it. */
function answerOf(data: Buffer, shardSizes: ReadonlyMap<string, number>): string {
  try {
    const metadata = decodeMetadata(data);
    const fits = [...metadata.storage].every(([name, { maxEnd }]) => shardSizes.get(name) === maxEnd);
    return !fits || findContradictions(metadata).length > 0 ? 'noticed' : summarize(metadata);
  } catch (error) {
    if (error instanceof DcpMetadataError) return 'noticed';
    throw error;
  }
}

/**
 * What a load of tensors takes from the metadata. Folder name, format version and planner data do not matter to it,
 * nor does the name of a pickled entry: one text stands for all its uses there, so damage renames it consistently.
 */
function summarize({ tensors, storage }: DcpMetadata): string {
  const shards = [...storage].map(([file, { maxEnd, items }]) => {
    return [file, maxEnd, items.map((item) => (item.chunkOffsets === null ? [item.offset, item.length] : item))];
  });
  return JSON.stringify([[...tensors], shards]);
}
