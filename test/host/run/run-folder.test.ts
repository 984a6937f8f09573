import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkExport, readRunSpec, recordStage, runDir, writeRun } from '../../../src/host/run/run-folder.js';
import { copyStageLogs } from '../../../src/host/run/stage-logs.js';
import { TrainingLog } from '../../../src/host/run/training-log.js';
import { planFromText } from '../../../src/recipes/plan-from-text.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import type { LogDialect } from '../../../src/recipes/log-dialect.js';
import type { PipelinePlan } from '../../../src/schemas/plan.js';

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-runs-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function planned(text: string): { plan: PipelinePlan; specText: string } {
  const result = planFromText(text.replace('./workspace', workspace), 'r', []);
  if (result.plan === null) throw new Error(JSON.stringify(result.problems));
  return result;
}

const withIterations = (count: number): string => cpuTiny.template.replace(/iterations: \d+/, `iterations: ${count}`);

describe('the folder of a run', () => {
  it('holds spec and plan, and every version of the spec that a plan was made from', async () => {
    const first = planned(withIterations(400));
    const second = planned(withIterations(500));
    await writeRun(first.plan, first.specText);
    await writeRun(second.plan, second.specText);
    const dir = runDir(workspace, 'r');
    expect(readFileSync(join(dir, 'spec.yaml'), 'utf8')).toBe(second.specText);
    expect(JSON.parse(readFileSync(join(dir, 'plan.json'), 'utf8'))).toEqual(second.plan);
    expect((await readRunSpec(workspace, 'r', first.plan.specDigest)).train.iterations).toBe(400);
    expect((await readRunSpec(workspace, 'r', second.plan.specDigest)).train.iterations).toBe(500);
  });

  it('is not believed when its spec was edited, and named when it cannot be read', async () => {
    const { plan, specText } = planned(cpuTiny.template);
    await writeRun(plan, specText);
    writeFileSync(
      join(runDir(workspace, 'r'), `spec-${plan.specDigest}.yaml`),
      specText.replace(/iterations: \d+/, 'iterations: 7'),
    );
    await expect(readRunSpec(workspace, 'r', plan.specDigest)).rejects.toMatchObject({
      problem: { code: 'SpecChanged' },
    });
    await expect(readRunSpec(workspace, 'other', plan.specDigest)).rejects.toMatchObject({
      problem: { code: 'WorkspaceUnusable', where: workspace },
    });
    writeFileSync(join(workspace, 'file'), '');
    await expect(writeRun({ ...plan, workspace: join(workspace, 'file') }, specText)).rejects.toMatchObject({
      problem: { code: 'WorkspaceUnusable' },
    });
  });

  it('links outputs relatively, so that the workspace can be mounted elsewhere, and replaces links', async () => {
    for (const name of ['one', 'two']) mkdirSync(join(workspace, name));
    const record = {
      v: 1 as const,
      stage: 'export' as const,
      key: 'k',
      digest: 'd',
      reused: false,
      host: 'h',
      at: '',
      durationMs: 1,
    };
    for (const name of ['one', 'two']) {
      await recordStage(workspace, 'r', record, join(workspace, name));
      await linkExport(workspace, 'r', join(workspace, name));
    }
    const link = join(runDir(workspace, 'r'), 'export/hf');
    expect(readlinkSync(link)).toBe('../../../two');
    expect(realpathSync(link)).toBe(realpathSync(join(workspace, 'two')));
    expect(readlinkSync(join(runDir(workspace, 'r'), 'stages/export/out'))).toBe('../../../../two');
  });
});

describe('copies of logs', () => {
  it('hold the end of what was written, and are left out when there was nothing', async () => {
    const [stdout, stderr] = [join(workspace, 'out'), join(workspace, 'err')];
    writeFileSync(stdout, `${'x'.repeat(99)}\n`.repeat(20_000));
    writeFileSync(stderr, '');
    await copyStageLogs(workspace, 'r', 'data', 'make', { stdout, stderr });
    const dir = join(runDir(workspace, 'r'), 'stages/data/log');
    const copy = readFileSync(join(dir, 'make.out'), 'utf8');
    expect(copy.length).toBeGreaterThan(1_000_000);
    expect(copy.length).toBeLessThanOrEqual(1024 * 1024);
    expect(copy.startsWith('xxx') && copy.endsWith('x\n')).toBe(true);
    expect(() => readFileSync(join(dir, 'make.err'))).toThrow('ENOENT');
  });
});

describe('the log of a training', () => {
  const step = { of: 9, loss: 1, learningRate: null, gradNorm: null, elapsedMs: null, consumedSamples: null };
  const dialect: LogDialect = {
    read(line) {
      const [kind, text = ''] = line.split(' ');
      const iteration = Number(text);
      if (kind === 'step')
        return text.split('+').map((one) => ({ kind: 'iteration', iteration: Number(one), ...step }));
      if (kind === 'loading') return [{ kind: 'phase', phase: kind, text: line }];
      if (kind === 'told') return [{ kind, id: text }];
      if (kind === 'saving') return [{ kind: 'phase', phase: 'saving', text: line }];
      if (kind === 'saved') return [{ kind, iteration }];
      if (kind === 'frozen') return [{ kind, modules: text === '' ? [] : text.split('+') }];
      if (kind === 'fatal') return [{ kind, id: text, text: line }];
      return kind === 'end' ? [{ kind: 'ended' }] : [];
    },
  };
  const append = (rank: number, text: string): void =>
    writeFileSync(join(workspace, `rank-000${rank}.out`), text, { flag: 'a' });

  it('is read on from where it was left, over several ranks, whole lines only', async () => {
    const log = new TrainingLog(workspace, [0, 1], dialect);
    expect(await log.read()).toMatchObject({
      phase: 'starting',
      last: null,
      saved: null,
      hasEnded: false,
      fatal: null,
    });
    append(1, 'noise\nstep 1\nst');
    expect(await log.read()).toMatchObject({ phase: 'training', last: { iteration: 1 } });
    append(0, 'saving\n');
    append(1, 'ep 2\n');
    expect((await log.read()).last?.iteration).toBe(2);
    append(1, 'step 3+4\n');
    expect((await log.read()).last?.iteration).toBe(4);
    append(0, 'saved 2\nfatal first\nfatal second\nend\n');
    expect(await log.read()).toMatchObject({ phase: 'done', saved: 2, hasEnded: true, fatal: { id: 'first' } });
    expect(log.iterations.map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['in one line', 'frozen b+a\nsaving\n', null],
    ['in several', 'frozen a\nfrozen b\nsaving\n', null],
    ['but not all', 'frozen a\nsaving\n', 'the training froze a instead of a, b'],
    ['but none of them', 'frozen \nstep 1\n', 'the training froze nothing that its log names instead of a, b'],
    ['but never said so', 'saving\nstep 1\n', 'the training froze nothing that its log names instead of a, b'],
    ['but said so too late', 'step 1\nfrozen a+b\n', 'the training froze nothing that its log names instead of a, b'],
    ['and one more', 'frozen a+b+c\nstep 1\n', 'the training froze a, b, c instead of a, b'],
  ])('names the modules that were to be frozen %s', async (_how, text, told) => {
    append(0, text);
    const { fatal } = await new TrainingLog(workspace, [0], dialect, ['a', 'b']).read();
    expect(fatal?.text ?? null).toBe(told);
  });

  it.each([
    ['both', 'told x\ntold y\nsaving\n', null],
    ['one of them', 'told x\nsaving\n', 'there are no y,'],
    ['none of them', 'saving\n', 'there are no x and y,'],
    ['one of them too late', 'told x\nstep 1\ntold y\n', 'there are no y,'],
    ['none of them yet, and the load goes on', 'loading\n', null],
  ])('says about its load %s, of what rank 0 must say', async (_how, text, told) => {
    append(0, text);
    append(1, 'step 1\n');
    const strict = { ...dialect, mustTell: ['x', 'y'] };
    const { fatal } = await new TrainingLog(workspace, [0, 1], strict).read();
    if (told === null) expect(fatal).toBeNull();
    else expect(fatal).toMatchObject({ id: 'load-untold', text: expect.stringContaining(told) });
    expect((await new TrainingLog(workspace, [1], strict).read()).fatal).toBeNull();
  });

  it('takes an iteration without a loss for the end, unless it was skipped', async () => {
    const numbers: LogDialect = {
      read: (text) => [
        { kind: 'iteration', iteration: 4, ...step, loss: null, ...(text === 'skip' ? { isSkipped: true } : {}) },
      ],
    };
    append(0, 'skip\n');
    const log = new TrainingLog(workspace, [0], numbers);
    expect(await log.read()).toMatchObject({ fatal: null, last: { iteration: 4, isSkipped: true } });
    append(0, 'nan\n');
    expect(await log.read()).toMatchObject({
      fatal: { id: 'loss-not-a-number', text: 'iteration 4 has no finite loss' },
    });
  });

  it('is not held against anything where nothing was asked for', async () => {
    append(0, 'frozen c\nstep 1\n');
    expect((await new TrainingLog(workspace, [0], dialect).read()).fatal).toBeNull();
  });

  it('tells a reader that takes over the same', async () => {
    append(1, Array.from({ length: 20_000 }, (_, index) => `step ${index + 1}\n`).join(''));
    const first = new TrainingLog(workspace, [1], dialect);
    await first.read();
    const second = new TrainingLog(workspace, [1], dialect);
    await second.read();
    expect(first.iterations).toHaveLength(20_000);
    expect(second.iterations).toEqual(first.iterations);
  });
});
