import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProgressBar } from '../../../src/domain/text/progress-bar.js';
import { runChecks } from '../../../src/host/checks.js';
import { toBf16 } from '../../../src/host/safetensors/cast.js';
import { readModelFolder } from '../../../src/host/safetensors/model-folder.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import type { HostTools, StageFacts, StageOutput, StageWork } from '../../../src/recipes/recipe.js';
import { writeTinyModel, writeTrained } from './tiny-model.js';
import { guideSpec } from './training/support.js';

/** Checkout of MindSpeed-MM, and a Python with torch, transformers, safetensors, jsonargparse[all], pydantic and tqdm. */
const { TEMPER_MINDSPEED_MM: checkout = '', TEMPER_MINDSPEED_MM_PYTHON: python = '' } = process.env;
const TEMPER = fileURLToPath(new URL('../../../bin/temper.js', import.meta.url));
const isGiven = checkout !== '' && python !== '';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'temper-converter-'));
  if (!isGiven) return;
  // Installing MindSpeed-MM would ask for another torch; its program is its module, and CANN is not needed on a CPU.
  const program = join(root, 'bin/mm-convert');
  mkdirSync(join(root, 'bin'));
  writeFileSync(
    program,
    `#!${python}\nimport sys\nsys.path.insert(0, ${JSON.stringify(checkout)})\nfrom checkpoint.convert_cli import main\nmain()\n`,
  );
  chmodSync(program, 0o755);
  mkdirSync(join(root, 'Ascend/cann'), { recursive: true });
  writeFileSync(join(root, 'Ascend/cann/set_env.sh'), 'export ASCEND_HOME_PATH=none\n');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const spec = (weights: object) =>
  guideSpec({
    weights,
    environment: {
      python: join(root, 'bin/python'),
      checkouts: { mindspeedMm: checkout },
      toolkitRoot: join(root, 'Ascend'),
    },
  });

function factsOf(name: string, weights: object, inputs: StageFacts['inputs']): StageFacts {
  const out = join(root, name);
  mkdirSync(out, { recursive: true });
  const tools: HostTools = {
    python: join(root, 'bin/python'),
    node: process.execPath,
    temper: TEMPER,
    programs: '/programs',
    cpus: 2,
  };
  return { spec: spec(weights), tools, out, inputs };
}

/** Runs the commands of a stage as the host would, its working folder and variables included; answers what the last one told. */
function perform({ commands }: StageWork): string {
  let told = '';
  for (const { argv, cwd, env, step } of commands) {
    const [program = '', ...words] = argv;
    const done = spawnSync(program, words, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
    expect(`${step}: ${done.status === 0 ? 'done' : done.stderr}`).toBe(`${step}: done`);
    told = done.stderr;
  }
  return told;
}

const output = (outputs: Record<string, string>): StageOutput => ({ dir: root, outputs, facts: {} });

/** Every tensor's bytes, by name, with its format. */
async function contents(dir: string): Promise<Map<string, string>> {
  const folder = await readModelFolder(dir);
  expect(folder.problems).toEqual([]);
  return new Map(
    [...folder.tensors].map(([name, { dtype, shape, shard, dataStart, offsets }]) => {
      const bytes = readFileSync(join(dir, shard)).subarray(dataStart + offsets[0], dataStart + offsets[1]);
      return [name, `${dtype} [${shape.join()}] ${bytes.toString('base64')}`];
    }),
  );
}

/** The work of the stage export on a checkpoint that the real converter made of a trained model. */
async function exportTrained(
  name: string,
  change: Parameters<typeof writeTrained>[2],
): Promise<{ readonly hf: string; readonly work: StageWork; readonly exported: string }> {
  const [hf, trained, dcp] = ['hf', 'trained', 'dcp'].map((part) => join(root, name, part)) as [string, string, string];
  await writeTinyModel(hf, { layers: 3 });
  await writeTrained(hf, trained, change);
  convert('hf_to_dcp', ['--hf_dir', trained, '--save_dir', dcp]);
  const facts = factsOf(
    `${name}-export`,
    { source: `path:${hf}` },
    {
      weights: output({ hf }),
      convert: output({ hf, dcp }),
      train: output({ checkpoint: join(dcp, 'release') }),
    },
  );
  return { hf, work: glm45v.work('export', facts), exported: join(facts.out, 'hf') };
}

/** The converter's way back, by itself. */
function splitBack(dcp: string, hf: string, to: string): void {
  convert('dcp_to_hf', ['--hf_dir', hf, '--dcp_dir', join(dcp, 'release'), '--save_dir', to]);
}

function convert(direction: string, args: readonly string[]): void {
  const done = spawnSync(join(root, 'bin/mm-convert'), ['ExpertMergeDcpConverter', direction, ...args], {
    encoding: 'utf8',
  });
  expect(done.status === 0 ? 'done' : done.stderr).toBe('done');
}

describe.skipIf(!isGiven)('the real converter of TEMPER_MINDSPEED_MM', { timeout: 180_000 }, () => {
  it('merges and splits a tiny model bit-exactly, run by the stages convert and export', async () => {
    const hf = join(root, 'hf');
    await writeTinyModel(hf, { layers: 3 });
    const weights = { source: `path:${hf}` };
    const convert = factsOf('convert', weights, { weights: output({ hf }) });
    const converting = glm45v.work('convert', convert);
    const told = perform(converting);
    // A bar is redrawn in its line.
    const bars = told.split(/[\r\n]/).flatMap((line) => readProgressBar(line) ?? []);
    expect(bars.at(-1)).toEqual({ label: 'merge moe experts weight', done: 2, total: 2 });
    await runChecks(converting.checks, glm45v);
    const dcp = join(convert.out, 'dcp');
    expect(readdirSync(dcp).toSorted()).toEqual(['latest_checkpointed_iteration.txt', 'release']);
    expect(readdirSync(join(dcp, 'release')).toSorted()).toEqual(['.metadata', '__0_0.distcp']);
    expect(readFileSync(join(dcp, 'latest_checkpointed_iteration.txt'), 'utf8')).toBe('release');

    const again = join(root, 'again');
    splitBack(dcp, hf, again);
    expect(await contents(again)).toEqual(await contents(hf));
  });

  it('exports a trained release checkpoint by the stage export: verified, and cast as the original is', async () => {
    const { hf, work, exported } = await exportTrained('kept', { changed: 'mlp.experts.1.up_proj', by: 'kept' });
    perform(work);
    await runChecks(work.checks, glm45v);
    const [before, after] = [await contents(hf), await contents(exported)];
    const differing = [...before].filter(([name, text]) => after.get(name) !== text).map(([name]) => name);
    expect(differing).toEqual([
      'model.language_model.layers.1.mlp.experts.1.up_proj.weight',
      'model.language_model.layers.2.mlp.experts.1.up_proj.weight',
    ]);
    expect(existsSync(`${exported}-f32`)).toBe(false);
    expect(JSON.parse(readFileSync(join(exported, 'config.json'), 'utf8'))).toMatchObject({ dtype: 'bfloat16' });
  });

  it('counts a training whose steps the cast rounds away, because it looks before it', async () => {
    const { hf, work, exported } = await exportTrained('lost', { changed: 'lm_head', by: 'lost' });
    perform(work);
    await runChecks(work.checks, glm45v);
    expect(await contents(exported)).toEqual(await contents(hf));
  });

  it.each([
    ['nothing was trained', '', /nothing was trained: all 37 tensors that may differ are equal/],
    ['a frozen part was changed', 'visual.merger', /changed 1 tensor: model\.visual\.merger\.proj\.weight/],
  ])('refuses before the cast when %s', async (name, changed, said) => {
    const { work, exported } = await exportTrained(name.replaceAll(' ', '-'), { changed, by: 'lost' });
    const last = work.commands.findIndex(({ step }) => step === 'prove-trained');
    perform({ ...work, commands: work.commands.slice(0, last) });
    const [refused] = work.commands.slice(last);
    if (refused === undefined) throw new Error('the stage has no such step');
    const [program = '', ...words] = refused.argv;
    const done = spawnSync(program, words, { cwd: refused.cwd, encoding: 'utf8' });
    expect([done.status, done.stdout]).toEqual([1, expect.stringMatching(said)]);
    expect(existsSync(exported)).toBe(false);
  });

  it('takes a model with fewer layers: configuration, tensors and checkpoint agree', async () => {
    const hf = join(root, 'whole');
    await writeTinyModel(hf, { layers: 3 });
    const facts = factsOf('reduced', { source: `path:${hf}`, reduceLayers: 2 }, { weights: output({ hf }) });
    const converting = glm45v.work('convert', facts);
    perform(converting);
    await runChecks(converting.checks, glm45v);
    const kept = await contents(join(facts.out, 'hf'));
    expect([...kept.keys()].filter((name) => name.includes('layers.2.'))).toEqual([]);
    const whole = await contents(hf);
    for (const [name, text] of kept) expect(whole.get(name)).toBe(text);
  });

  it('leaves a broken original alone: a stray file would be merged in silently', async () => {
    const hf = join(root, 'stray');
    await writeTinyModel(hf, { layers: 2 });
    writeFileSync(join(hf, 'extra.safetensors'), readFileSync(join(hf, 'model-1.safetensors')));
    const facts = factsOf('stray-weights', { source: `path:${hf}` }, {});
    const { checks } = glm45v.work('weights', facts);
    await expect(runChecks(checks, glm45v)).rejects.toMatchObject({
      problem: { what: expect.stringContaining('no index entry names this file') },
    });
  });

  it('rounds as torch does', () => {
    const script = [
      'import sys, torch',
      'torch.manual_seed(7)',
      'bits = torch.randint(-2**31, 2**31 - 1, (200000,), dtype=torch.int32)',
      'ties = (torch.arange(-32768, 32768, dtype=torch.int32) << 16) + 0x8000',
      'values = torch.cat([bits, ties]).view(torch.float32)',
      'values = values[~values.isnan()]',
      'open(sys.argv[1], "wb").write(values.numpy().tobytes())',
      'open(sys.argv[2], "wb").write(values.to(torch.bfloat16).view(torch.int16).numpy().tobytes())',
    ].join('\n');
    const [input, expected] = [join(root, 'values.f32'), join(root, 'values.bf16')];
    const done = spawnSync(python, ['-c', script, input, expected], { encoding: 'utf8' });
    expect(done.stderr.includes('Error')).toBe(false);
    expect(Buffer.compare(toBf16(readFileSync(input)), readFileSync(expected))).toBe(0);
  });
});

it.skipIf(isGiven)(
  'the real converter is skipped: TEMPER_MINDSPEED_MM and TEMPER_MINDSPEED_MM_PYTHON are not set',
  () => {
    expect(isGiven).toBe(false);
  },
);
