import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planOfRun } from '../../src/client/plans.js';
import { verifyCheckpoint } from '../../src/host/checkpoint/verify.js';
import { readJsonFile } from '../../src/host/json-file.js';
import { compareModels } from '../../src/host/safetensors/compare.js';
import { megatronLayout } from '../../src/recipes/megatron/checkpoint-dialect.js';
import { ProvenanceSchema } from '../../src/schemas/provenance.js';
import { startDev, type Dev } from './support/dev.js';
import { exportDir, follow, start } from './support/runs.js';
import { simulatedSpec } from './support/simulated-spec.js';

/** The whole pipeline takes 7 s on two idle cores; the rest is room for a busy machine. */
const BUDGET_MS = 30_000;

describe('the simulated recipe through a real temper dev', { timeout: 120_000 }, () => {
  let dev: Dev;
  let workspace: string;

  beforeAll(async () => {
    dev = await startDev();
    workspace = join(dev.home, 'workspace');
  }, 120_000);
  afterAll(async () => {
    await dev?.stop();
  }, 60_000);

  it('goes through every stage without Python and leaves a better model', async () => {
    const startedAt = performance.now();
    const smoke = ['/bin/cat', '{{model}}/provenance.json'];
    const run = await start(dev.client, simulatedSpec({ name: 'sim', workspace, smoke }));
    const status = await follow(dev.client, run);
    const elapsedMs = performance.now() - startedAt;
    const perStage = status.stages.map(({ name, durationMs }) => `${name} ${durationMs}`).join(', ');
    process.stdout.write(`pipeline ${Math.round(elapsedMs)} ms: ${perStage}\n`);
    expect(status.state, JSON.stringify(status.problem)).toBe('done');
    const { train, verify } = status.result?.facts ?? {};
    expect(train).toMatchObject({ iterations: 200, worldSize: 4 });
    expect(Number(train?.['lastLoss'])).toBeLessThan(Number(train?.['firstLoss']) / 3);
    expect(verify).toMatchObject({ heldOutRows: 50 });
    expect(Number(verify?.['heldOutLossAfter'])).toBeLessThan(Number(verify?.['heldOutLossBefore']) / 3);
    const original = join(workspace, 'runs', run, 'stages/weights/out/hf');
    expect(
      (await compareModels(original, exportDir(workspace, run), { dtype: 'bf16', isDeep: true })).problems,
    ).toEqual([]);
    const tried = join(workspace, 'runs', run, 'stages/verify/log/smoke.out');
    expect(JSON.parse(await readFile(tried, 'utf8'))).toMatchObject({ v: 1, run });
    const provenance = await readJsonFile(join(exportDir(workspace, run), 'provenance.json'), ProvenanceSchema);
    expect(provenance).toMatchObject({
      ...{ run, trial: false, export: { dtype: 'bf16' } },
      training: { iterations: 200, attempts: 1, restarts: [], lastLoss: train?.['lastLoss'] },
    });
    expect(await readFile(join(exportDir(workspace, run), 'README.md'), 'utf8')).toContain('## Training');
    const report = await verifyCheckpoint(join(workspace, String(train?.['checkpoint'])), {
      layout: megatronLayout,
      isDeep: true,
    });
    expect(report).toMatchObject({
      complete: true,
      iteration: 200,
      worldSize: 4,
      hasOptimizer: true,
      problems: [],
      warnings: [],
    });
    expect(elapsedMs).toBeLessThan(BUDGET_MS);
    expect((await planOfRun(dev.client, run)).stages.map(({ willReuse }) => willReuse)).not.toContain(false);
  });

  it('takes faults from the variables of the spec, and its failure reads like one of the real trainer', async () => {
    const faults = join(dev.home, 'faults.json');
    await writeFile(faults, JSON.stringify({ v: 1, faults: [{ kind: 'out-of-memory', rank: 3, iteration: 30 }] }));
    const run = await start(
      dev.client,
      simulatedSpec({ name: 'sim-oom', workspace, env: { SIM_FAULTS: faults, SIM_STEP_MS: 2 } }),
    );
    const status = await follow(dev.client, run);
    expect(status).toMatchObject({ state: 'blocked', stage: 'train' });
    expect(JSON.stringify(status.problem)).toContain('out of memory. Tried to allocate');
    const plan = await planOfRun(dev.client, run);
    expect(plan).toMatchObject({ run, host: { name: 'laptop-1' }, problems: [] });
    const reused = plan.stages.filter(({ willReuse }) => willReuse).map(({ name }) => name);
    expect(reused).toEqual(['environment', 'weights', 'data', 'convert']);
  });
});
