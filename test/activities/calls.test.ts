import { ApplicationFailure } from '@temporalio/activity';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callHost } from '../../src/activities/call-host.js';
import { createControlActivities } from '../../src/activities/control.js';
import { activity } from '../../src/activities/edge.js';
import { ensureEnvironment } from '../../src/activities/ensure-environment.js';
import { runStage } from '../../src/activities/run-stage.js';
import { TemperError } from '../../src/domain/errors.js';
import { writeEnvironment } from '../../src/host/environment-file.js';
import { KeeperError } from '../../src/host/keeper/errors.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { glm45v } from '../../src/recipes/mindspeed-mm/recipe.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import { planFromText } from '../../src/recipes/plan-from-text.js';
import type { Recipe } from '../../src/recipes/recipe.js';
import { PlanReportSchema } from '../../src/schemas/host-call.js';
import { read } from '../host/keeper/helpers.js';
import { clientOf, interrupt, recipeOf, run, start, step, useStageBench } from './support.js';

const bench = useStageBench();

/** The failure that an activity ends with. */
async function failureOf(work: () => Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await run(() => activity(z.null(), work)(null)).catch((caught: unknown) => caught);
  if (error instanceof ApplicationFailure) return error;
  throw new Error(`no failure: ${String(error)}`);
}

const failing = (error: unknown) => () => Promise.reject(error);

describe('the edge of activities', () => {
  it('parses what comes in', async () => {
    const double = activity(z.object({ n: z.number() }), async ({ n }) => n * 2);
    expect(await run(() => double({ n: 2 }))).toBe(4);
    // @ts-expect-error -- what a workflow of another version might send
    await expect(run(() => double({ n: 'x' }))).rejects.toMatchObject({
      type: 'Internal',
      details: [{ code: 'Internal' }],
    });
  });

  it.each([
    ['a problem of ours', new TemperError('DiskTooSmall', { what: 'full', where: '/w' }), 'DiskTooSmall', true],
    ['one that may pass', new TemperError('ClaimHeld', { what: 'held' }), 'ClaimHeld', false],
    [
      "a keeper's",
      new KeeperError({
        code: 'keeper-start-failed',
        what: 'no start',
        where: '/k',
        why: 'w',
        fix: 'f',
        isRetryable: true,
      }),
      'KeeperUnusable',
      false,
    ],
    [
      "a keeper's that stays",
      new KeeperError({
        code: 'keeper-id-invalid',
        what: 'bad id',
        where: '/k',
        why: 'w',
        fix: 'f',
        isRetryable: false,
      }),
      'KeeperUnusable',
      true,
    ],
    ['an error of the system', Object.assign(new Error('disk full'), { code: 'ENOSPC' }), 'Internal', false],
    ['a defect', new TypeError('undefined is not a function'), 'Internal', true],
    ['something thrown that is no error', 'text', 'Internal', true],
  ])('turns %s into a failure with its code and retryability', async (_what, error, type, nonRetryable) => {
    const failure = await failureOf(failing(error));
    expect(failure).toMatchObject({
      type,
      nonRetryable,
      details: [{ code: type, what: failure.message, retryable: !nonRetryable }],
    });
  });

  it('ends a cancelled activity with the reason of the SDK, whatever a library throws then', async () => {
    const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
    const one = start((env) => {
      interrupt({ env, result: Promise.resolve(), beat: () => Promise.resolve() });
      return activity(z.null(), failing(abort))(null);
    });
    await expect(one.result).rejects.toBe(one.env.context.cancellationSignal.reason);
  });
});

describe('the environment of a host', () => {
  const recipe = (line: () => string): Recipe => ({
    ...recipeOf(() => ({})),
    environment: {
      probe: () => step({ out: '/' }, line(), 'probe'),
      prove: () => step({ out: '/' }, `echo proven >> ${bench.workspace()}/proofs; echo '{}'`, 'prove'),
      read: (answer) => ({ lock: z.record(z.string(), z.string()).parse(answer), problems: [] }),
    },
  });
  const proofs = (): number => read(join(bench.workspace(), 'proofs')).split('\n').length - 1;

  it('is probed in each try, and proven when the answer is new', async () => {
    let torch = '1';
    const fake = recipe(() => `echo noise; echo '{"torch":"${torch}"}'`);
    const call = await bench.open(fake, 'r1', { name: 'environment' });
    const ensure = (tryNumber: number) => run(() => ensureEnvironment(bench.host(fake), { ...call, tryNumber }));
    expect(await ensure(1)).toMatchObject({ host: 'h1', lock: { torch: '1' }, reused: false });
    expect(await ensure(2)).toMatchObject({ reused: true });
    torch = '2';
    expect(await ensure(3)).toMatchObject({ lock: { torch: '2' }, reused: false });
    expect(proofs()).toBe(2);
  });

  it.each([
    ['prints no JSON', 'echo no', 'EnvironmentUnfit'],
    ['prints nothing', 'true', 'EnvironmentUnfit'],
    ['fails', 'exit 1', 'CommandFailed'],
  ])('is unfit when its probe %s', async (_what, line, code) => {
    const fake = recipe(() => line);
    const call = await bench.open(fake, 'r1', { name: 'environment' });
    await expect(run(() => ensureEnvironment(bench.host(fake), call))).rejects.toMatchObject({ problem: { code } });
  });
});

describe('a call to a host', () => {
  it('lists the commands of a run, with how they ended, and stops what runs', async () => {
    const fake = recipeOf((facts) => ({
      commands: [step(facts, 'exit 0', 'first'), step(facts, 'exec sleep 60', 'second')],
    }));
    const host = bench.host(fake);
    const call = await bench.open(fake);
    const one = start(() => runStage(host, call));
    await one.beat((details) => (details as { step?: string }).step === 'second');
    expect(
      await run(() =>
        callHost(host, { v: 1, op: 'stopKeepers', prefix: 'r1.weights.', reason: 'a person', graceMs: 5_000 }),
      ),
    ).toMatchObject({ stopped: [expect.stringMatching(/^r1\.weights\.second\.1-/)] });
    await expect(one.result).rejects.toMatchObject({
      problem: { code: 'CommandStopped', what: 'second was stopped: a person' },
    });
    const { commands } = z
      .object({ commands: z.array(z.record(z.string(), z.unknown())) })
      .parse(await run(() => callHost(host, { v: 1, op: 'keepers', run: 'r1' })));
    expect(commands).toMatchObject([
      {
        id: expect.stringContaining('r1.weights.first.1-'),
        state: 'exited',
        code: 0,
        stop: null,
        startedAt: expect.any(String),
        endedAt: expect.any(String),
      },
      { id: expect.stringContaining('r1.weights.second.1-'), state: 'exited', stop: 'a person' },
    ]);
    expect(await run(() => callHost(host, { v: 1, op: 'keepers', run: 'r' }))).toMatchObject({ commands: [] });
    expect(await run(() => callHost(host, { v: 1, op: 'probe' }))).toMatchObject({ name: 'h1' });
  });

  it('reports a plan: keys as far as outputs exist, what is short, what cannot be read', async () => {
    const host = { ...bench.host(cpuTiny), programsRoot: join(bench.workspace(), 'programs') };
    const programs = join(host.programsRoot, 'cpu-tiny/python');
    mkdirSync(programs, { recursive: true });
    const text = cpuTiny.template.replace('./workspace', bench.workspace()).replace('seed:1', 'path:/gone/model');
    const planned = planFromText(text, 'r', []);
    if (planned.plan === null) throw new Error('the template is not valid');
    for (const name of new Set(planned.plan.stages.flatMap((stage) => stage.programs)))
      writeFileSync(join(programs, name), '');
    await writeEnvironment(host.scratch, 'cpu-tiny', host.tools.python, { torch: '2' });
    const plan = {
      ...planned.plan,
      stages: planned.plan.stages.map((stage) => ({ ...stage, resources: { diskBytes: 1e18, ramBytes: 1e18 } })),
    };
    const report = PlanReportSchema.parse(
      await run(() => callHost(host, { v: 1, op: 'planReport', specText: planned.specText, plan })),
    );
    expect(report.host).toMatchObject({ name: 'h1', diskFreeBytes: expect.any(Number) });
    expect(report.stages.map(({ name, key, willReuse }) => [name, key !== null, willReuse]).slice(0, 4)).toEqual([
      ['environment', false, true],
      ['weights', false, false],
      // Rows are measured by the tokenizer of the given model.
      ['data', false, false],
      ['convert', false, false],
    ]);
    expect(report.problems.map(({ code, what }) => [code, what.includes('tokenizer.json')])).toEqual([
      ['SourceMissing', false],
      ['SourceMissing', true],
      ['DiskTooSmall', false],
      ['RamTooSmall', false],
    ]);
    expect(listKeepers(host.scratch)).toEqual([]);
  });
});

describe('the plan of a model that is on the disk', () => {
  it('tells another model and a wrong number of layers', async () => {
    const host = bench.host(glm45v);
    const dir = join(bench.workspace(), 'model');
    mkdirSync(dir, { recursive: true });
    const config = { model_type: 'glm4v', text_config: { num_hidden_layers: 46, first_k_dense_replace: 1 } };
    writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
    const text = glm45v.template
      .replace('./workspace', bench.workspace())
      .replace(/source: hf:zai-org\/GLM-4.5V.*/, `source: path:${dir}`)
      .replace(/# reduceLayers: 4 .*/, 'reduceLayers: 47');
    const planned = planFromText(text, 'r', []);
    if (planned.plan === null) throw new Error(JSON.stringify(planned.problems));
    const call = { v: 1, op: 'planReport', specText: planned.specText, plan: planned.plan } as const;
    const { problems } = PlanReportSchema.parse(await run(() => callHost(host, call)));
    expect(problems.find(({ code }) => code === 'SpecInvalid')).toMatchObject({
      where: join(dir, 'config.json'),
      what: 'model_type is "glm4v", and glm4v_moe is needed',
      evidence: ['47 layers cannot be kept of 46'],
    });
  });
});

describe('the activities of the control worker', () => {
  const control = createControlActivities();
  const owner = (workflowId: string) => ({ workflowId, firstRunId: 'f', runId: 'r' });

  it('plan, or answer the problems', async () => {
    const text = cpuTiny.template.replace('./workspace', '/ws');
    expect(await run(() => control.planPipeline({ v: 1, run: 'r', specText: text, set: [] }))).toMatchObject({
      plan: { run: 'r' },
      problems: [],
    });
    const refused = await run(() =>
      control.planPipeline({ v: 1, run: 'r', specText: text, set: [{ path: 'train.iterations', value: '0' }] }),
    );
    expect(refused).toMatchObject({ plan: null, specText: text, problems: [{ code: 'SpecInvalid' }] });
  });

  it.each([
    ['name', 'other', 'a run keeps the name'],
    ['recipe', 'simulated', 'that of its recipe'],
  ])('refuse a correction of %s, which a run cannot change', async (path, value, why) => {
    const specText = cpuTiny.template.replace('./workspace', '/ws');
    const set = [
      { path, value },
      { path: 'train.iterations', value: '0' },
    ];
    const refused = await run(() => control.planPipeline({ v: 1, run: 'r', specText, set }));
    expect(refused.plan).toBeNull();
    expect(refused.problems[0]).toMatchObject({ where: `--set ${path}`, why: expect.stringContaining(why) });
    expect(refused.problems.some(({ what }) => what.includes('0'))).toBe(true);
  });

  it('take for closed only what is closed for certain', async () => {
    const states: Record<string, string> = {
      a: 'TERMINATED',
      b: 'RUNNING',
      c: 'PAUSED',
      d: 'COMPLETED',
      e: 'CONTINUED_AS_NEW',
    };
    const client = clientOf((workflowId) => {
      const status = states[workflowId];
      if (status === undefined) throw new Error('not found');
      return { status };
    });
    const { closed } = await run(
      () => control.findClosedOwners({ v: 1, owners: [...Object.keys(states), 'gone'].map(owner) }),
      client,
    );
    expect(closed.map(({ workflowId }) => workflowId)).toEqual(['a', 'd']);
  });
});
