import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { proveSaved } from '../../src/host/ledger/prove.js';
import { CheckpointReportSchema } from '../../src/schemas/checkpoint.js';
import { CheckpointListSchema, PlanReportSchema } from '../../src/schemas/host-call.js';
import { renderPlan } from '../../src/cli/render/plan.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { aTraining, CONTRACT, save } from '../host/ledger/support.js';
import { aRun, knowing, temper } from './support.js';

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/formats/${name}`, import.meta.url), 'utf8'));
}

describe('temper checkpoint verify', () => {
  it('prints the facts of a whole checkpoint and exits 0', async () => {
    const { status, stdout, stderr } = await temper(
      ['checkpoint', 'verify', 'dcp/iter_0000004', '--deep', '-o', 'json'],
      { cwd: READERS },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      v: 1,
      complete: true,
      iteration: 4,
      worldSize: 2,
      tensors: 16,
      bytes: 51549,
      hasOptimizer: true,
      content: { isSealed: false, isRead: true, records: expect.any(Number), unsummed: 0 },
      problems: [],
      warnings: [],
    });
  });

  it('takes the parent folder, and a release has no iteration', async () => {
    const { status, stdout } = await temper(['checkpoint', 'verify', join(READERS, 'dcp-release'), '-o', 'json']);
    expect({ status, report: CheckpointReportSchema.parse(JSON.parse(stdout)) }).toMatchObject({
      status: 0,
      report: { iteration: null },
    });
  });

  it('exits 1 and names what is wrong', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'temper-verify-'));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    await cp(join(READERS, 'dcp'), dir, { recursive: true });
    await writeFile(join(dir, 'iter_0000004/__1_0.distcp'), 'x');
    const { status, stdout } = await temper(['checkpoint', 'verify', dir]);
    expect(status).toBe(1);
    expect(stdout).toContain('problem shard-truncated');
    expect(stdout).toContain('1 of 29463 bytes are there');
  });

  it('knows what the run proved: a shard that was changed since, equal in size, is found', async () => {
    const training = await aTraining();
    const [dir = ''] = await save(training, 1, [4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    expect((await temper(['checkpoint', 'verify', dir])).status).toBe(0);
    const shard = join(dir, '__1_0.distcp');
    const content = readFileSync(shard);
    content.writeUInt8(content.readUInt8(27_000) ^ 1, 27_000);
    await writeFile(shard, content);
    const { status, stdout } = await temper(['checkpoint', 'verify', dir, '-o', 'json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, problems: [{ id: 'shard-changed', where: shard }] });
  });

  it.each(['{"v":1', '{"v":1,"checkpoints":7}', ''])('refuses what a damaged ledger cannot prove: %s', async (text) => {
    const training = await aTraining();
    const [dir = ''] = await save(training, 1, [4]);
    await proveSaved(training, { attempt: 1, upTo: 4 }, CONTRACT);
    const ledger = join(dir, '../../../../checkpoints.json');
    await writeFile(ledger, text);
    const { status, stdout } = await temper(['checkpoint', 'verify', dir, '-o', 'json']);
    expect(status).toBe(1);
    expect(CheckpointReportSchema.parse(JSON.parse(stdout))).toMatchObject({
      complete: false,
      iteration: 4,
      problems: [{ id: 'ledger-damaged', where: ledger }],
    });
  });
});

describe('temper checkpoint ls', () => {
  const list = CheckpointListSchema.parse(golden('checkpoint-list/v1.json'));
  const runs = { ...knowing(aRun()), listCheckpoints: () => Promise.resolve(list) };

  it('prints the list as JSON', async () => {
    const { status, stdout } = await temper(['checkpoint', 'ls', 'tiny', '-o', 'json'], { runs });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(list);
  });

  it('shows states, reasons, and what each attempt restored', async () => {
    const { stdout } = await temper(['checkpoint', 'ls', 'ti'], { runs });
    const lines = stdout.split('\n');
    expect(lines.find((line) => line.startsWith('200'))).toMatch(/^200 +2 +proven, in use +52 KB +2 +full +\S.* ago$/);
    expect(lines.find((line) => line.startsWith('300'))).toMatch(
      /^300 +3 +unproven +- +- +weights +- +metadata-missing in iter_0000300: it has no \.metadata$/,
    );
    expect(stdout).toContain('attempt 3 resumed iteration 200 (full)');
    expect(stdout).toMatch(/weights +restored +the load ended with no key missing/);
    expect(stdout).toMatch(/learningRate +reset +the logged rates begin again.*, which the spec does not allow/);
    expect(stdout).toContain('not used: /ws/runs/tiny/attempts/0002/ckpt/iter_0000250');
  });

  it('says when there is none', async () => {
    const none = { ...runs, listCheckpoints: () => Promise.resolve({ ...list, checkpoints: [], resumes: [] }) };
    expect((await temper(['checkpoint', 'ls', 'tiny'], { runs: none })).stdout).toBe(
      'run tiny has no checkpoints yet\n',
    );
  });
});

describe('temper plan', () => {
  it('shows what checkpoints cost', () => {
    const report = PlanReportSchema.parse(golden('plan-report/v1-checkpoint.json'));
    const text = renderPlan(report, (_, one) => one);
    expect(text).toContain('20 saves of 1.3 TB, up to 6.3 TB at once');
    expect(text).toContain('10m 32s to save, 5m 16s to load, 7.8 % of the run');
    expect(text).toContain('measured here: 2.0 GB/s to disk, 4.0 GB/s back');
    expect(text).toContain("interval by Young's formula: 12h 44m, 3055 iterations (one failure per 19d 06h assumed)");
    expect(text).toContain('a save is given at least 32m 36s, a load 16m 48s');
    const early = {
      ...report,
      checkpoint: report.checkpoint && {
        ...report.checkpoint,
        shareOfRun: null,
        youngIterations: null,
        isReadCached: true,
      },
    };
    expect(renderPlan(early, (_, one) => one)).toContain('below a tenth of the run if an iteration takes 11 s or more');
    expect(renderPlan(early, (_, one) => one)).toContain('4.0 GB/s back (from the cache)');
  });

  it('says when the size is only planned', () => {
    const report = PlanReportSchema.parse(golden('plan-report/v1-checkpoint.json'));
    const planned = {
      ...report,
      checkpoint: report.checkpoint && { ...report.checkpoint, isSizePlanned: true as const },
    };
    expect(renderPlan(planned, (_, one) => one)).toContain('by the size of the released model');
    expect(renderPlan(report, (_, one) => one)).not.toContain('by the size of the released model');
  });

  it('says why it cannot tell what checkpoints cost', () => {
    const report = PlanReportSchema.parse(golden('plan-report/v1.json'));
    const host = { name: 'h1', diskFreeBytes: 1, ramAvailableBytes: 1 };
    const show = (change: Partial<typeof report>): string => renderPlan({ ...report, ...change }, (_, one) => one);
    expect(show({ host })).toContain('not known until the weights are converted');
    expect(show({ host })).not.toContain('saves of');
    expect(show({ host: null })).toContain('not known: no host measured the workspace');
  });
});
