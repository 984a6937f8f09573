import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyCheckpoint } from '../../src/host/checkpoint/verify.js';
import { megatronLayout } from '../../src/recipes/megatron/checkpoint-dialect.js';
import { openFakeSite, perform, type FakeSite, type Performed } from './support/fake-site.js';
import { trainOn, type Trained } from './support/fake-gang.js';

let site: FakeSite;
let weights: Performed['output'];
let convert: Performed['output'];
let data: Performed['output'];
let trained: Trained;

/** The stages up to the training, and a training that nothing disturbs. */
beforeAll(async () => {
  site = await openFakeSite();
  weights = await done('weights');
  convert = await done('convert', { weights });
  data = await done('data');
  trained = await train();
}, 120_000);
afterAll(async () => {
  await site?.remove();
}, 60_000);
beforeEach(() => site.faults());

async function done(...args: Parameters<typeof perform> extends [unknown, ...infer Rest] ? Rest : never) {
  const { output, failed } = await perform(site, ...args);
  expect(failed).toBe(null);
  return output;
}

function train(over: Partial<Parameters<typeof trainOn>[1]> = {}): Promise<Trained> {
  const [load, hf] = [convert.outputs['dcp'] ?? '', convert.outputs['hf'] ?? ''];
  return trainOn(site, { load, hf, data, ...over });
}

const BOTH_WELL = [0, 0];

describe('the fake training', { timeout: 60_000 }, () => {
  it('says what upstream says, by the ranks that say it', () => {
    expect(trained.statuses, trained.log(0, 'err') + trained.launcher(0)).toEqual(BOTH_WELL);
    expect(trained.reading).toMatchObject({ hasEnded: true, saved: 6, fatal: null, last: { iteration: 6 } });
    expect(trained.log(0, 'out')).not.toMatch(/ iteration +\d+\//);
    expect(trained.log(3, 'out')).not.toContain('saving checkpoint');
    expect(trained.log(1, 'out') + trained.log(2, 'out')).toBe('');
    const order = [
      ...['using world size: 4', 'building VLMModel ...', '> load model successfully', 'Set modules not trainable:'],
      ...['loading release checkpoint from', 'Missing keys: []', 'Unexpected keys: []', 'could not find arguments'],
      ...['at iteration 0', '> building train, validation', 'training example:', 'done with setup ...', 'training ...'],
      ...['saving checkpoint at iteration       3', 'successfully saved checkpoint from iteration       6'],
      '[after training is done] datetime:',
    ];
    const places = order.map((text) => trained.log(0, 'out').indexOf(text));
    expect(places).toEqual([...places].toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(trained.log(3, 'out')).toMatch(
      /tokens per sample: \d\.\d{6}E\+\d\d \| loss: \d\.\d{6}E-\d\d \| loss scale: 1\.0 \|/,
    );
  });

  it('leaves a checkpoint with objects of foreign classes, which is read without them', async () => {
    const report = await verifyCheckpoint(join(trained.save, 'iter_0000006'), { layout: megatronLayout, isDeep: true });
    expect(report).toMatchObject({ complete: true, iteration: 6, worldSize: 4, hasOptimizer: true, problems: [] });
  });

  it('exports to names, shapes and values that the stage accepts', async () => {
    const checkpoint = join(trained.save, 'iter_0000006');
    const train = { dir: '/', facts: {}, outputs: { checkpoint } };
    const exported = await done('export', { weights, convert, train });
    await done('verify', { export: exported });
  });
});

describe('arguments', { timeout: 60_000 }, () => {
  const change = (from: string, to: string) => ({
    argv: (argv: readonly string[]) => argv.map((word, at) => (argv[at - 1] === from ? to : word)),
  });
  it.each([
    [
      '--global-batch-size',
      '6',
      'global batch size (6) is not divisible by micro batch size (1) times data parallel size (4)',
    ],
    ['--ckpt-format', 'torch', '--use-torch-fsdp2 requires --ckpt-format torch_dist or torch_dcp'],
    ['--pipeline-model-parallel-size', '2', '--use-torch-fsdp2 is not supported with pipeline parallelism'],
    ['--lr-decay-style', 'none', "pretrain_transformers.py: error: argument --lr-decay-style: invalid choice: 'none'"],
    ['--mm-tool', 'none.json', "FileNotFoundError: [Errno 2] No such file or directory: 'none.json'"],
  ])('%s %s is refused in upstream’s words', async (flag, value, text) => {
    const { log, statuses } = await train({ change: change(flag, value) });
    expect(statuses).toContain(1);
    // Whichever host fails first: the others are ended then.
    expect([0, 1, 2, 3].map((rank) => log(rank, 'err')).join('')).toContain(text);
  });
});

describe('a late failure of the load', { timeout: 60_000 }, () => {
  it('L1: no tracker: all ranks end with status 0, and the log is fatal', async () => {
    const load = join(site.root, 'no-tracker');
    mkdirSync(load);
    const { statuses, reading, iterations } = await train({ load });
    expect({ statuses, iterations }).toEqual({ statuses: BOTH_WELL, iterations: [] });
    expect(reading.fatal?.id).toBe('checkpoint-not-found');
  });

  it('L1: no tracker, without the flag: trains from random weights to the end, and the log is fatal', async () => {
    const load = join(site.root, 'random');
    mkdirSync(load);
    const argv = (words: readonly string[]) => words.filter((word) => word !== '--exit-on-missing-checkpoint');
    const { statuses, reading } = await train({ load, change: { argv } });
    expect(statuses).toEqual(BOTH_WELL);
    expect(reading).toMatchObject({ hasEnded: true, last: { iteration: 6 }, fatal: { id: 'checkpoint-not-found' } });
  });

  it('L1: an empty tracker: ends with status 0, and the log is fatal', async () => {
    const load = join(site.root, 'empty-tracker');
    cpSync(trained.save, load, { recursive: true });
    writeFileSync(join(load, 'latest_checkpointed_iteration.txt'), '');
    const { statuses, reading } = await train({ load });
    expect(statuses).toEqual(BOTH_WELL);
    expect(reading.fatal?.id).toBe('tracker-invalid');
  });

  it('a tensor that the converter lost: the stage convert stops it; the training would only print its name', async () => {
    site.faults({ kind: 'convert-drops', tensor: 'lm_head.weight' });
    const { failed, output } = await perform(site, 'convert', { weights });
    expect(failed).toContain('the converted checkpoint differs from the original in 1 tensors');
    site.faults();
    const { statuses, reading, log } = await train({ load: output.outputs['dcp'] ?? '' });
    expect(statuses).toEqual(BOTH_WELL);
    expect(log(0, 'out')).toContain("Missing keys: ['model.lm_head.weight']");
    expect(reading).toMatchObject({ hasEnded: true, fatal: { id: 'keys-missing' } });
  });

  it.each([
    ['Missing keys', 'load-untold'],
    ['Unexpected keys', 'load-untold'],
    ['Set modules not trainable', 'freeze-differs'],
  ])('a load after which nobody says "%s": trains to the end, and the log is fatal', async (text, id) => {
    site.faults({ kind: 'unsaid', rank: 0, text });
    const { statuses, reading } = await train();
    expect(statuses).toEqual(BOTH_WELL);
    expect(reading).toMatchObject({ hasEnded: true, last: { iteration: 6 }, fatal: { id } });
  });

  it('other modules are frozen than the spec asks for: the log is fatal', async () => {
    const file = (path: string, content: string) =>
      path.endsWith('model.json') ? content.replaceAll('"freeze": true', '"freeze": false') : content;
    const { reading } = await train({ change: { file } });
    expect(reading.fatal?.id).toBe('freeze-differs');
  });

  it('a converter that the kernel ends: the stage convert says by which signal', async () => {
    site.faults({ kind: 'convert-killed' });
    expect((await perform(site, 'convert', { weights })).failed).toContain('hf-to-dcp ended with SIGKILL');
  });
});

describe('a late failure of the training', { timeout: 60_000 }, () => {
  it('L20: a loss that is no number: its field is gone, status 0, and the log is fatal', async () => {
    site.faults({ kind: 'nan', rank: 0, iteration: 3 });
    const { statuses, reading, iterations } = await train();
    expect(statuses).toEqual(BOTH_WELL);
    expect(reading).toMatchObject({ hasEnded: true, fatal: { id: 'loss-not-a-number' } });
    expect(iterations.map(({ loss }) => loss === null)).toEqual([false, false, true, true, true, true]);
  });

  it('L2: shards that one host wrote to a disk of its own: the checkpoint is not complete', async () => {
    site.faults(...[2, 3].map((rank) => ({ kind: 'scattered-save', rank, iteration: 4 })));
    const { statuses, reading, save } = await train();
    expect(statuses).toEqual(BOTH_WELL);
    expect(reading).toMatchObject({ hasEnded: true, saved: 6, fatal: null });
    expect(await verifyCheckpoint(join(save, 'iter_0000003'), { layout: megatronLayout })).toMatchObject({
      complete: true,
    });
    const report = await verifyCheckpoint(join(save, 'iter_0000006'), { layout: megatronLayout });
    expect(report.complete).toBe(false);
    expect(report.problems.map(({ where }) => where).join()).toMatch(/__2_0\.distcp[^]*__3_0\.distcp/);
  });

  it('a relaunch at the last iteration: a clean end without a single iteration', async () => {
    const { statuses, reading, iterations } = await train({ load: trained.save, isResume: true });
    expect({ statuses, iterations }).toEqual({ statuses: BOTH_WELL, iterations: [] });
    expect(reading).toMatchObject({ hasEnded: true, last: null, fatal: null });
  });

  it('a resume takes iteration and schedule, and no moments', async () => {
    const load = join(site.root, 'resume');
    cpSync(trained.save, load, { recursive: true });
    writeFileSync(join(load, 'latest_checkpointed_iteration.txt'), '3');
    const { iterations, reading } = await train({ load, isResume: true });
    expect(iterations.map(({ iteration }) => iteration)).toEqual([4, 5, 6]);
    expect(reading.last).toMatchObject({ learningRate: trained.reading.last?.learningRate });
    // The first loss is that of equal weights and rows; the steps after it are made by an optimizer that begins again.
    expect(iterations[0]?.loss).toBe(trained.iterations[3]?.loss);
    expect(iterations[2]?.loss).not.toBe(trained.iterations[5]?.loss);
  });
});

describe('a late failure of the export', { timeout: 60_000 }, () => {
  const exportOf = (checkpoint: string): Promise<Performed> =>
    perform(site, 'export', { weights, convert, train: { dir: '/', facts: {}, outputs: { checkpoint } } });

  it('L16: the parent of the iterations: the converter ends with a traceback', async () => {
    expect((await exportOf(trained.save)).failed).toMatch(/dcp-to-hf ended with 1: [^]*metadata is None/);
  });

  it('L16: a shard that is gone: the converter ends with a traceback, after it left config and index', async () => {
    const torn = join(site.root, 'torn/iter_0000006');
    cpSync(join(trained.save, 'iter_0000006'), torn, { recursive: true });
    rmSync(join(torn, '__1_0.distcp'));
    const { failed, output } = await exportOf(torn);
    expect(failed).toMatch(/dcp-to-hf ended with 1: [^]*FileNotFoundError: [^]*__1_0\.distcp/);
    expect(readdirSync(join(output.dir, 'hf-f32'))).toContain('config.json');
  });

  it('a converter that ends with status 0 before all shards are written: the stage refuses what is there', async () => {
    site.faults({ kind: 'convert-torn' });
    expect((await exportOf(join(trained.save, 'iter_0000006'))).failed).toMatch(/model-0000[2-9]-of-/);
  });

  it('a tensor that is not in the export: the stage names it', async () => {
    site.faults({ kind: 'convert-drops', tensor: 'model.language_model.norm.weight' });
    expect((await exportOf(join(trained.save, 'iter_0000006'))).failed).toContain('model.language_model.norm.weight');
  });
});
