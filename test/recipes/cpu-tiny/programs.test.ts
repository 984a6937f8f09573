import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PYTHON = join(ROOT, '.temper/venv/bin/python');
const PROGRAMS = join(ROOT, 'src/recipes/cpu-tiny/python');
// Importing torch and transformers takes seconds, more on a busy machine.
const TIMEOUT_MS = 180_000;
const SMALL = ['--seed', '5', '--num-hidden-layers', '2', '--num-experts', '2'];

const run = promisify(execFile);
let dir = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cpu-tiny-'));
  await python('make_weights.py', '--output', join(dir, 'hf'), ...SMALL);
  await python(
    'make_data.py',
    '--output',
    join(dir, 'data'),
    '--seed',
    '5',
    '--train-rows',
    '48',
    '--heldout-rows',
    '20',
  );
}, TIMEOUT_MS);

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('make_weights.py', () => {
  test('writes the same bytes from the same seed', { timeout: TIMEOUT_MS }, async () => {
    const again = join(dir, 'hf-again');
    await python('make_weights.py', '--output', again, ...SMALL);
    expect(await digests(again)).toEqual(await digests(join(dir, 'hf')));
  });

  test('writes sharded weights under per-expert names', async () => {
    const index = await readJson<{ weight_map: Record<string, string> }>(join(dir, 'hf/model.safetensors.index.json'));
    expect(Object.keys(index.weight_map)).toContain('model.language_model.layers.1.mlp.experts.1.gate_proj.weight');
    expect(new Set(Object.values(index.weight_map)).size).toBeGreaterThan(1);
  });
});

describe('make_data.py', () => {
  interface Question {
    readonly image: string;
    readonly kind: string;
    readonly answer: string;
  }

  test('writes the same bytes from the same seed', { timeout: TIMEOUT_MS }, async () => {
    const again = join(dir, 'data-again');
    await python('make_data.py', '--output', again, '--seed', '5', '--train-rows', '48', '--heldout-rows', '20');
    expect(await digests(again)).toEqual(await digests(join(dir, 'data')));
  });

  test('shows every picture once and balances the kinds of question', async () => {
    const questions = await readJson<Question[]>(join(dir, 'data/heldout.json'));
    const kinds = [...new Set(questions.map(({ kind }) => kind))];
    expect(kinds.map((kind) => questions.filter((question) => question.kind === kind).length)).toEqual([4, 4, 4, 4, 4]);
    const pictures = Object.entries(await digests(join(dir, 'data/images')));
    expect(new Set(pictures.map(([, digest]) => digest)).size).toBe(pictures.length);
  });

  test('leaves some rows without a picture, and names the picture once in the others', async () => {
    const rows = await readJson<{ image?: string; conversations: { from: string; value: string }[] }[]>(
      join(dir, 'data/llava.json'),
    );
    expect(rows.filter(({ image }) => image === undefined)).toHaveLength(4);
    for (const { image, conversations } of rows) {
      const text = conversations.map(({ value }) => value).join('');
      expect(text.split('<image>').length - 1).toBe(image === undefined ? 0 : 1);
      expect(conversations.map(({ from }) => from)).toEqual(
        conversations.map((_, index) => (index % 2 === 0 ? 'human' : 'gpt')),
      );
    }
  });
});

describe('convert.py', () => {
  test('gives back the weights bit for bit, and keeps the other files', { timeout: TIMEOUT_MS }, async () => {
    const [hf, dcp, back] = [join(dir, 'hf'), join(dir, 'dcp'), join(dir, 'back')];
    await python('convert.py', 'hf-to-dcp', '--hf-dir', hf, '--save-dir', dcp);
    expect(await readFile(join(dcp, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');
    await python(
      'convert.py',
      'dcp-to-hf',
      '--hf-dir',
      hf,
      '--dcp-dir',
      join(dcp, 'release'),
      '--save-dir',
      back,
      '--max-shard-mb',
      '0.5',
    );
    const [original, copy] = await Promise.all([digests(hf), digests(back)]);
    expect(Object.keys(copy)).toEqual(Object.keys(original));
    expect(await tensors(back)).toEqual(await tensors(hf));
    expect(copy['config.json']).toBe(original['config.json']);
  });

  test.each([
    ['a folder that is not there', ['hf-to-dcp', '--hf-dir', 'nowhere', '--save-dir', 'out'], /nowhere.*No such file/],
    [
      'a folder without checkpoint',
      ['dcp-to-hf', '--hf-dir', 'hf', '--dcp-dir', 'data', '--save-dir', 'out'],
      /no \.metadata/,
    ],
    ['a folder that is not fresh', ['hf-to-dcp', '--hf-dir', 'hf', '--save-dir', 'data'], /not empty/],
  ])('refuses %s in one line with status 2', { timeout: TIMEOUT_MS }, async (_, args, message) => {
    const failure = await python('convert.py', ...args).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    expect(failure).toMatchObject({ stderr: expect.stringMatching(/^error: [^\n]*\n$/) });
  });
});

describe('training_data.py', () => {
  test(
    'visits each row once an epoch, over all ranks, and continues from any place',
    { timeout: TIMEOUT_MS },
    async () => {
      const program = `
import json, sys
sys.path.insert(0, ${JSON.stringify(PROGRAMS)})
import cli_errors
from training_data import micro_batch_rows
steps = [[micro_batch_rows(21, 2, 2, rank, consumed) for rank in (0, 1)] for consumed in range(0, 40, 4)]
print(json.dumps(steps))`;
      const { stdout } = await run(PYTHON, ['-c', program]);
      // Known form: printed by the program above.
      const steps = JSON.parse(stdout) as number[][][];
      const epochs = [steps.slice(0, 5), steps.slice(5)].map((epoch) => epoch.flat(2));
      for (const epoch of epochs)
        expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, row) => row));
      expect(epochs[0]).not.toEqual(epochs[1]);
    },
  );

  test('refuses a row whose picture is missing', { timeout: TIMEOUT_MS }, async () => {
    const rows = [
      {
        images: ['gone.png'],
        messages: [
          { role: 'user', content: '<image>?' },
          { role: 'assistant', content: 'no' },
        ],
      },
    ];
    await writeFile(join(dir, 'rows.json'), JSON.stringify(rows));
    const program = `
import sys
sys.path.insert(0, ${JSON.stringify(PROGRAMS)})
from cli_errors import run_cli
from training_rows import load_rows
run_cli(lambda: load_rows("rows.json", "images"))`;
    const failure = await run(PYTHON, ['-c', program], { cwd: dir }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/rows\.json: row 0: image images\/gone\.png/),
    });
  });
});

describe('check_lengths.py', () => {
  const answer = { role: 'assistant', content: 'red' };
  const SIZES = [
    [1, 1],
    [7, 90],
    [8, 8],
    [32, 32],
    [33, 31],
    [40, 20],
    [64, 300],
    [150, 40],
    [500, 500],
    [1_000, 6],
  ];
  const TEXTS = [
    '<image>\nWhat colour is the frame?',
    'héllo 你好 🦀 <image>x<image>',
    '',
    'a'.repeat(300),
    '<|user|>\n',
  ];

  test('counts the tokens that training will see', { timeout: TIMEOUT_MS }, async () => {
    const program = `
import json, sys
sys.path.insert(0, ${JSON.stringify(PROGRAMS)})
import cli_errors
from pathlib import Path
from PIL import Image
import check_lengths
from training_data import RowEncoder
rows = []
for size in ${JSON.stringify(SIZES)}:
    Image.new("RGB", size, "red").save(f"{size[0]}x{size[1]}.png")
    for text in ${JSON.stringify(TEXTS)}:
        turns = [{"role": "user", "content": text}, ${JSON.stringify(answer)}, {"role": "user", "content": "And?"}, ${JSON.stringify(answer)}]
        rows.append({"images": [f"{size[0]}x{size[1]}.png"] * text.count("<image>"), "messages": turns})
encoder = RowEncoder(rows, "hf", 100_000)
readers = check_lengths.own_reader(), check_lengths.given_reader(Path("hf"))
print(json.dumps([[len(encoder.encode(row).token_ids), *(reader.tokens(row) for reader in readers)] for row in rows]))`;
    const { stdout } = await run(PYTHON, ['-c', program], { cwd: dir });
    // Known form: printed by the program above.
    const counts = JSON.parse(stdout) as [number, number, number][];
    expect(counts).toHaveLength(SIZES.length * TEXTS.length);
    for (const [seen, own, given] of counts) expect([own, given]).toEqual([seen, seen]);
    expect(new Set(counts.map(([seen]) => seen)).size).toBeGreaterThan(10);
  });

  test('refuses rows that training would refuse, and says which', { timeout: TIMEOUT_MS }, async () => {
    const row = (content: string) => ({ images: [], messages: [{ role: 'user', content }, answer] });
    await writeFile(
      join(dir, 'long.json'),
      JSON.stringify([row('short'), row('long '.repeat(200)), row('x'.repeat(999))]),
    );
    const failure = await python('check_lengths.py', '--data', 'long.json', '--seq-length', '256').catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^error: --data long.json: 2 of 3 rows are too long, the first: row 1 has \d+ tokens/,
      ),
    });
    const args = ['--data', 'long.json', '--seq-length', '4000'];
    expect(await python('check_lengths.py', ...args)).toMatchObject({
      stdout: expect.stringMatching(/^3 rows, the longest has/),
    });
  });

  test('needs no torch, which takes seconds to import', async () => {
    const program = `
import sys
sys.path.insert(0, ${JSON.stringify(PROGRAMS)})
import check_lengths
print([name for name in ("torch", "transformers") if name in sys.modules])`;
    expect((await run(PYTHON, ['-c', program])).stdout.trim()).toBe('[]');
  });
});

function python(program: string, ...args: readonly string[]): Promise<unknown> {
  return run(PYTHON, [join(PROGRAMS, program), ...args], {
    cwd: dir,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
}

/** Digest of each file of a folder by its name, in the order of names. */
async function digests(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.toSorted().map(async (file) => {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return [file.slice(folder.length + 1), digest] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

/** Digest of each tensor of a model folder by its name, read without the programs under test. */
async function tensors(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.safetensors')) continue;
    const file = await readFile(join(folder, name));
    const start = 8 + Number(file.readBigUInt64LE(0));
    // Known form: the safetensors header.
    const header = JSON.parse(file.subarray(8, start).toString()) as Record<
      string,
      { dtype: string; data_offsets: [number, number] }
    >;
    for (const [tensor, { dtype, data_offsets: offsets }] of Object.entries(header)) {
      if (tensor === '__metadata__') continue;
      const bytes = file.subarray(start + offsets[0], start + offsets[1]);
      found[tensor] = `${dtype} ${createHash('sha256').update(bytes).digest('hex')}`;
    }
  }
  return found;
}

async function readJson<T>(path: string): Promise<T> {
  // Written by the programs under test; the assertions check its form.
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
