import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDcpMetadata } from '../../../src/host/checkpoint/dcp-read.js';
import { verifyCheckpoint } from '../../../src/host/checkpoint/verify.js';
import { checkMllm } from '../../../src/host/data/check-mllm.js';
import { compareModels } from '../../../src/host/safetensors/compare.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { megatronLayout } from '../../../src/recipes/megatron/checkpoint-dialect.js';
import { PROGRAMS } from '../../../src/recipes/simulated/programs.js';
import { simulated } from '../../../src/recipes/simulated/recipe.js';
import { makeSite, program, startGang, type Site } from './gang.js';

/** How rows become tokens, roughly; only text counts here. */
const TOKENS = { imageMinPixels: 1, imageMaxPixels: 1, pixelsPerImageToken: 1, charsPerToken: 4 };

let site: Site;
let trained: string;

beforeAll(async () => {
  site = await makeSite();
  const gang = await startGang(site, { name: 'trained', iterations: 80, every: 80, args: ['--freeze-vision-encoder'] });
  expect(await gang.ended).toEqual([0, 0]);
  trained = join(gang.save, 'iter_0000080');
});
afterAll(() => site.remove());

describe('make-weights.mjs', () => {
  test('writes a whole model folder in bfloat16, the same bytes from the same seed', async () => {
    const folder = await readModelFolder(site.hf);
    expect(folder.problems).toEqual([]);
    expect([...folder.tensors.values()].map(({ dtype }) => dtype)).toEqual(Array(4).fill('BF16'));
    const again = join(site.dir, 'hf-again');
    await program('make-weights.mjs', '--output', again, '--seed', '1');
    expect(await readFile(join(again, 'model.safetensors'))).toEqual(
      await readFile(join(site.hf, 'model.safetensors')),
    );
  });
});

describe('make-data.mjs', () => {
  test('writes rows that the data check accepts, and keeps other rows aside', async () => {
    const report = await checkMllm({
      file: site.rows,
      imageRoot: '/',
      sequenceLength: 1024,
      worldBatch: 16,
      tokens: TOKENS,
    });
    expect(report).toMatchObject({ rows: 200, textOnly: 200, problems: [] });
    const [rows, heldOut] = await Promise.all([site.rows, join(site.dir, 'data/heldout.json')].map(readRows));
    expect(heldOut).toHaveLength(20);
    expect(rows?.filter((row) => heldOut?.includes(row))).toEqual([]);
  });
});

describe('convert.mjs', () => {
  test('makes a checkpoint that the contract accepts', async () => {
    expect(await readFile(join(site.dcp, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');
    const report = await verifyCheckpoint(site.dcp, { layout: megatronLayout, isDeep: true });
    expect(report).toMatchObject({
      complete: true,
      iteration: null,
      worldSize: 1,
      tensors: 4,
      problems: [],
      warnings: [],
    });
    const original = await readModelFolder(site.hf);
    const metadata = await readDcpMetadata(join(site.dcp, 'release/.metadata'));
    expect(metadata).toMatchObject({ savedIn: 'release', version: '1.0.0', foreignGlobals: [] });
    const converted = new Map([...metadata.tensors].map(([fqn, { dtype, size }]) => [fqn, { dtype, shape: size }]));
    const config: unknown = JSON.parse(await readFile(join(site.hf, 'config.json'), 'utf8'));
    expect(simulated.checkpoint.compareConverted(original.tensors, config, converted)).toEqual([]);
    const [first] = converted.keys();
    converted.delete(first ?? '');
    expect(simulated.checkpoint.compareConverted(original.tensors, config, converted)).toEqual([`${first} is missing`]);
  });

  test('gives back the weights bit for bit', async () => {
    const back = join(site.dir, 'back');
    await program(
      'convert.mjs',
      'dcp-to-hf',
      '--hf-dir',
      site.hf,
      '--dcp-dir',
      join(site.dcp, 'release'),
      '--save-dir',
      back,
      '--dtype',
      'bf16',
    );
    for (const name of ['model.safetensors', 'config.json'])
      expect(await readFile(join(back, name))).toEqual(await readFile(join(site.hf, name)));
  });

  test.each(['bf16', 'f32'] as const)(
    'exports a trained model as %s: frozen parts equal, others changed',
    async (dtype) => {
      const out = join(site.dir, `out-${dtype}`);
      await program(
        'convert.mjs',
        'dcp-to-hf',
        '--hf-dir',
        site.hf,
        '--dcp-dir',
        trained,
        '--save-dir',
        out,
        '--dtype',
        dtype,
      );
      const report = await compareModels(site.hf, out, { dtype, frozen: ['visual.blocks'], isDeep: true });
      expect(report).toMatchObject({ ok: true, tensors: 4, problems: [] });
      const other = await compareModels(site.hf, out, { dtype, frozen: ['visual.merger'], isDeep: true });
      expect(other.problems).not.toEqual([]);
    },
  );

  test.each([
    ['a command that is not there', ['hf-to-mm'], /unknown command 'hf-to-mm'/],
    ['a folder that is not there', ['hf-to-dcp', '--hf-dir', '/nowhere', '--save-dir', 'OUT'], /\/nowhere/],
    ['a folder that is not fresh', ['hf-to-dcp', '--hf-dir', 'HF', '--save-dir', 'HF'], /not empty/],
    [
      'a checkpoint without metadata',
      ['dcp-to-hf', '--hf-dir', 'HF', '--dcp-dir', 'HF', '--save-dir', 'OUT'],
      /\.metadata/,
    ],
    [
      'another number format',
      ['dcp-to-hf', '--hf-dir', 'HF', '--dcp-dir', 'HF', '--save-dir', 'OUT', '--dtype', 'int8'],
      /invalid choice: 'int8'/,
    ],
  ])('refuses %s in one line with status 2', async (_, args, message) => {
    const paths = args.map(
      (arg) => ({ HF: site.hf, OUT: join(site.dir, `refused-${args.join('-').replaceAll('/', '')}`) })[arg] ?? arg,
    );
    const failure: unknown = await program('convert.mjs', ...paths).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    expect(failure).toMatchObject({ stderr: expect.stringMatching(/^error: [^\n]*\n$/) });
  });

  test('refuses a model of another shape, which it could not train', async () => {
    const foreign = join(site.dir, 'foreign');
    await mkdir(foreign);
    const header = Buffer.from(
      JSON.stringify({ 'lm_head.weight': { dtype: 'BF16', shape: [1], data_offsets: [0, 2] } }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(join(foreign, 'model.safetensors'), Buffer.concat([length, header, Buffer.alloc(2)]));
    await writeFile(join(foreign, 'config.json'), '{}');
    const failure: unknown = await program(
      'convert.mjs',
      'hf-to-dcp',
      '--hf-dir',
      foreign,
      '--save-dir',
      join(site.dir, 'foreign-out'),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringContaining('not BF16 or F32 of shape [128, 8]') });
  });
});

describe('evaluate.mjs', () => {
  test('finds a trained model better on rows that it did not see', async () => {
    const [after, report] = [join(site.dir, 'after'), join(site.dir, 'evaluation.json')];
    await program(
      'convert.mjs',
      'dcp-to-hf',
      '--hf-dir',
      site.hf,
      '--dcp-dir',
      trained,
      '--save-dir',
      after,
      '--dtype',
      'f32',
    );
    await program(
      'evaluate.mjs',
      '--before',
      site.hf,
      '--after',
      after,
      '--rows',
      join(site.dir, 'data/heldout.json'),
      '--output',
      report,
    );
    const evaluation = JSON.parse(await readFile(report, 'utf8')) as {
      rows: number;
      lossBefore: number;
      lossAfter: number;
    };
    expect(evaluation).toMatchObject({ v: 1, rows: 20 });
    expect(evaluation.lossAfter).toBeLessThan(evaluation.lossBefore / 2);
    expect(evaluation.lossAfter).toBeGreaterThan(0);
    const measured = join(site.dir, 'measured.json');
    const rows = join(site.dir, 'data/heldout.json');
    await program('measure.mjs', '--model', after, '--rows', rows, '--output', measured);
    expect(JSON.parse(await readFile(measured, 'utf8'))).toEqual({ v: 1, rows: 20, evalLoss: evaluation.lossAfter });
  });
});

describe('the list of programs', () => {
  const folder = join(import.meta.dirname, '../../../src/recipes/simulated/programs');
  const entries = {
    environment: ['probe.mjs'],
    weights: ['make-weights.mjs'],
    data: ['make-data.mjs'],
    convert: ['convert.mjs'],
    train: ['launch.mjs', 'rank.mjs'],
    export: ['convert.mjs'],
    verify: ['evaluate.mjs'],
  };

  test('names for each stage exactly what its programs import, so that a change of any makes the output again', async () => {
    const used = new Set<string>();
    for (const [stage, programs] of Object.entries(entries)) {
      const reached = await importsOf(folder, programs);
      expect(
        Object.entries(PROGRAMS)
          .find(([name]) => name === stage)?.[1]
          .toSorted(),
        stage,
      ).toEqual(reached.toSorted());
      for (const file of reached) used.add(file);
    }
    // Measuring makes no output of a stage, so it belongs to none.
    for (const file of await importsOf(folder, ['measure.mjs'])) used.add(file);
    expect((await readdir(folder)).toSorted()).toEqual([...used].toSorted());
  });
});

async function importsOf(folder: string, entries: readonly string[]): Promise<string[]> {
  const reached = new Set(entries);
  for (const file of reached) {
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, name] of text.matchAll(/from '\.\/([^']+)'/g)) if (name !== undefined) reached.add(name);
  }
  return [...reached];
}

async function readRows(file: string): Promise<string[]> {
  const rows = JSON.parse(await readFile(file, 'utf8')) as unknown[];
  return rows.map((row) => JSON.stringify(row));
}
