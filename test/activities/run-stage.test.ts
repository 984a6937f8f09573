import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lookUpStage } from '../../src/activities/look-up-stage.js';
import { findOutputs, toolsFor } from '../../src/activities/plan-report.js';
import { runStage } from '../../src/activities/run-stage.js';
import { TemperError, type ErrorCode } from '../../src/domain/errors.js';
import { listKeepers } from '../../src/host/keeper/client.js';
import { needPlan, readRunSpec } from '../../src/host/run/run-folder.js';
import { readReceipt } from '../../src/host/store/entry.js';
import type { Recipe } from '../../src/recipes/recipe.js';
import type { StageCall } from '../../src/schemas/stage-calls.js';
import { read } from '../host/keeper/helpers.js';
import { cancel, clientOf, interrupt, recipeOf, run, start, step, useStageBench } from './support.js';

const bench = useStageBench();
const count = (): number => read(join(bench.workspace(), 'count')).split('\n').length - 1;
/** A shell line that makes one file and leaves a mark each time it runs. */
const MAKE = (): string => `echo ran >> ${join(bench.workspace(), 'count')}; echo made > model`;

const perform = (recipe: Recipe, call: StageCall) => run(() => runStage(bench.host(recipe), call));
const codeOf = (result: Promise<unknown>): Promise<ErrorCode | null> =>
  result.then(
    () => null,
    (error: unknown) => (error instanceof TemperError ? (error.problem.code as ErrorCode) : Promise.reject(error)),
  );

/** Names below the store's only entry of a stage. */
function entryNames(stage = 'weights'): string[] {
  const dir = join(bench.workspace(), 'store', stage);
  const [key = 'none'] = readdirSync(dir);
  return readdirSync(join(dir, key)).sort();
}

/** What a plan says of a stage, which must be what the stage will find. */
async function isPlannedAsReused(recipe: Recipe, { workspace, run: name, specDigest, stage }: StageCall) {
  const plan = { ...(await needPlan(workspace, name)), stages: [{ ...stage, needs: [] }] };
  const host = bench.host(recipe);
  const tools = toolsFor(host, plan, await readRunSpec(workspace, name, specDigest));
  return (await findOutputs(host, plan, tools)).refs.has(stage.name);
}

describe('a stage that succeeds', () => {
  it('leaves a receipt, a record, a link and copies of its logs', async () => {
    const recipe = recipeOf((facts) => ({
      commands: [step(facts, `${MAKE()}; echo told; echo warned >&2; printf '{"n":3}' > facts.json`)],
      checks: [{ kind: 'filesExist', paths: [join(facts.out, 'model')] }],
      outputs: { hf: 'model', elsewhere: '/opt/adopted' },
      factFiles: ['facts.json'],
      facts: ([file]) => ({ facts: { n: (file as { n: number }).n }, problems: [] }),
    }));
    const call = await bench.open(recipe);
    const done = await perform(recipe, call);
    expect(done).toMatchObject({ reused: false, host: 'h1', facts: { n: 3 }, ref: { stage: 'weights' } });
    expect(entryNames()).toEqual(['out-0001', 'receipt.json']);
    const receipt = await readReceipt(call.workspace, 'weights', done.ref.key);
    expect(receipt).toMatchObject({
      outputs: { hf: `store/weights/${done.ref.key}/out-0001/model`, elsewhere: '/opt/adopted' },
      madeBy: { run: 'r1', host: 'h1', owner: 'first-r1', tryNumber: 1 },
      manifest: [{ path: 'facts.json' }, { path: 'model', bytes: 5 }],
    });
    const folder = join(call.workspace, 'runs/r1/stages/weights');
    expect(JSON.parse(read(join(folder, 'receipt.json')))).toMatchObject({ v: 1, key: done.ref.key, reused: false });
    expect(readlinkSync(join(folder, 'out'))).toBe(`../../../../store/weights/${done.ref.key}/out-0001`);
    expect(read(join(folder, 'log/make.out'))).toBe('told\n');
    expect(read(join(folder, 'log/make.err'))).toBe('warned\n');
  });

  it('is reused by another run, and made again after its files changed', async () => {
    const recipe = recipeOf((facts) => ({ commands: [step(facts, MAKE())], outputs: { hf: 'model' } }));
    const first = await perform(recipe, await bench.open(recipe));
    const other = await bench.open(recipe, 'r2');
    expect((await run(() => lookUpStage(bench.host(recipe), other))).done).toMatchObject({
      reused: true,
      ref: first.ref,
    });
    expect(await perform(recipe, other)).toMatchObject({ reused: true, ref: first.ref });
    expect(count()).toBe(1);
    expect(await isPlannedAsReused(recipe, other)).toBe(true);

    writeFileSync(join(bench.workspace(), 'store/weights', first.ref.key, 'out-0001/model'), 'MADE\n');
    expect(await isPlannedAsReused(recipe, other)).toBe(false);
    expect((await run(() => lookUpStage(bench.host(recipe), other))).done).toBeNull();
    expect(await perform(recipe, other)).toMatchObject({ reused: false, ref: first.ref });
    expect(count()).toBe(2);
  });

  it('is made again once per try when that is asked for', async () => {
    const recipe = recipeOf((facts) => ({ commands: [step(facts, MAKE())] }));
    const call = await bench.open(recipe);
    await perform(recipe, call);
    const fresh = { ...call, isFresh: true, tryNumber: 2 };
    expect((await run(() => lookUpStage(bench.host(recipe), fresh))).done).toBeNull();
    expect((await perform(recipe, fresh)).reused).toBe(false);
    expect((await perform(recipe, fresh)).reused).toBe(false);
    expect(count()).toBe(2);
    expect(entryNames()).toEqual(['out-0001', 'out-0002', 'receipt.json']);
  });
});

describe('a stage that fails', () => {
  it.each<[string, () => Recipe, ErrorCode]>([
    [
      'a command',
      () =>
        recipeOf((facts) => ({ commands: [step(facts, `[ -e ${bench.workspace()}/repaired ] || exit 1; ${MAKE()}`)] })),
      'CommandFailed',
    ],
    [
      'a proof',
      () =>
        recipeOf((facts) => ({
          commands: [step(facts, MAKE())],
          checks: [{ kind: 'filesExist', paths: [`${bench.workspace()}/repaired`] }],
        })),
      'ProofFailed',
    ],
    [
      'a fact file',
      () =>
        recipeOf((facts) => ({
          commands: [step(facts, MAKE())],
          factFiles: [join('../../../..', 'repaired')],
          facts: () => ({ facts: {}, problems: [] }),
        })),
      'ProofFailed',
    ],
  ])('by %s releases claim and folder, and a new try succeeds', async (_what, make, code) => {
    const recipe = make();
    const call = await bench.open(recipe);
    expect(await codeOf(perform(recipe, call))).toBe(code);
    expect(entryNames()).toEqual([]);
    writeFileSync(join(bench.workspace(), 'repaired'), '1');
    expect(await perform(recipe, { ...call, tryNumber: 2 })).toMatchObject({ reused: false });
    expect(entryNames()).toEqual(['out-0001', 'receipt.json']);
  });

  it('for lack of memory or disk begins no command', async () => {
    const recipe = recipeOf((facts) => ({ commands: [step(facts, MAKE())] }));
    const call = await bench.open(recipe);
    const needing = (diskBytes: number, ramBytes: number): StageCall => ({
      ...call,
      stage: { ...call.stage, resources: { diskBytes, ramBytes } },
    });
    expect(await codeOf(perform(recipe, needing(1e18, 0)))).toBe('DiskTooSmall');
    expect(await codeOf(perform(recipe, needing(0, 1e18)))).toBe('RamTooSmall');
    expect(listKeepers(bench.scratch())).toEqual([]);
  });

  it('runs again when its run is started again under the same name', async () => {
    const recipe = recipeOf((facts) => ({
      commands: [step(facts, `${MAKE()}; [ -e ${bench.workspace()}/repaired ]`)],
    }));
    const call = await bench.open(recipe);
    expect(await codeOf(perform(recipe, call))).toBe('CommandFailed');
    writeFileSync(join(bench.workspace(), 'repaired'), '1');
    const again = { ...call, owner: { ...call.owner, firstRunId: 'second-life', runId: 'second-life' } };
    expect(await perform(recipe, again)).toMatchObject({ reused: false });
    expect(count()).toBe(2);
  });

  it('for a reason that may pass keeps what its commands made for the next attempt', async () => {
    let isFirst = true;
    const recipe = recipeOf((facts) => ({
      commands: [step(facts, MAKE())],
      outputs: { hf: 'model' },
      facts: () => {
        if (isFirst) {
          isFirst = false;
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        }
        return { facts: {}, problems: [] };
      },
    }));
    const call = await bench.open(recipe);
    await expect(perform(recipe, call)).rejects.toThrow('no space');
    expect(entryNames()).toEqual(['claim', 'out-0001']);
    const done = await perform(recipe, call);
    expect(count()).toBe(1);
    expect((await readReceipt(call.workspace, 'weights', done.ref.key))?.manifest).toMatchObject([{ path: 'model' }]);
  });
});

describe('a stage that is interrupted', () => {
  const waiting = (): Recipe =>
    recipeOf((facts) => ({
      commands: [step(facts, `${MAKE()}; until [ -e ${bench.workspace()}/go ]; do sleep 0.02; done; echo end > end`)],
    }));

  it('goes on in its folder, however little memory is left then', async () => {
    const recipe = waiting();
    const call = await bench.open(recipe);
    const first = start(() => runStage(bench.host(recipe), call));
    await first.beat(() => count() === 1);
    interrupt(first);
    await expect(first.result).rejects.toBe(first.env.context.cancellationSignal.reason);
    expect(entryNames()).toEqual(['claim', 'out-0001']);
    const second = start(() =>
      runStage(bench.host(recipe), { ...call, stage: { ...call.stage, resources: { diskBytes: 0, ramBytes: 1e18 } } }),
    );
    await second.beat(() => true);
    writeFileSync(join(bench.workspace(), 'go'), '1');
    const done = await second.result;
    expect(count()).toBe(1);
    expect((await readReceipt(call.workspace, 'weights', done.ref.key))?.manifest).toMatchObject([
      { path: 'end' },
      { path: 'model' },
    ]);
  });

  it('leaves nothing when it is cancelled', async () => {
    const recipe = waiting();
    const one = start(async () => runStage(bench.host(recipe), await bench.open(recipe)));
    await one.beat(() => count() === 1);
    cancel(one);
    await expect(one.result).rejects.toBe(one.env.context.cancellationSignal.reason);
    expect(entryNames()).toEqual([]);
    const states = await Promise.all(listKeepers(bench.scratch()).map(async (keeper) => (await keeper.status()).state));
    expect(states).toEqual(['exited']);
  });

  it('is begun anew by a new try, which first stops what runs', async () => {
    const recipe = waiting();
    const call = await bench.open(recipe);
    const first = start(() => runStage(bench.host(recipe), call));
    await first.beat(() => count() === 1);
    interrupt(first);
    await first.result.catch(() => undefined);
    const second = start(() => runStage(bench.host(recipe), { ...call, tryNumber: 2 }));
    await second.beat(() => count() === 2);
    writeFileSync(join(bench.workspace(), 'go'), '1');
    await second.result;
    const states = await Promise.all(listKeepers(bench.scratch()).map(async (keeper) => keeper.status()));
    expect(states).toMatchObject([
      { exit: { stop: { reason: 'replaced by a new try' } } },
      { exit: { code: 0, stop: null } },
    ]);
  });
});

describe('two runs that want the same output', () => {
  const recipe = (): Recipe => recipeOf((facts) => ({ commands: [step(facts, `sleep 0.3; ${MAKE()}`)] }));
  const isWaiting = (details: unknown): boolean => (details as { phase?: string }).phase === 'waiting';

  it('do the work once', async () => {
    const fake = recipe();
    const calls = [await bench.open(fake, 'r1'), await bench.open(fake, 'r2')];
    const client = clientOf(() => ({ status: 'RUNNING' }));
    const done = await Promise.all(calls.map((call) => run(() => runStage(bench.host(fake), call), client)));
    expect(count()).toBe(1);
    expect(new Set(done.map(({ reused }) => reused))).toEqual(new Set([false, true]));
    expect(done[0]?.ref).toEqual(done[1]?.ref);
  });

  it.each([
    ['is terminated', { status: 'TERMINATED' }],
    ['was started anew', { status: 'RUNNING', firstRunId: 'second-life' }],
  ])('leave no claim to a run that %s', async (_what, described) => {
    const fake = recipeOf((facts) => ({
      commands: [step(facts, `${MAKE()}; [ $(wc -l < ${bench.workspace()}/count) = 2 ] || sleep 60`)],
    }));
    const first = start(async () => runStage(bench.host(fake), await bench.open(fake, 'r1')));
    await first.beat(() => count() === 1);
    interrupt(first);
    await first.result.catch(() => undefined);
    const done = await run(
      async () => runStage(bench.host(fake), await bench.open(fake, 'r2')),
      clientOf(() => described),
    );
    expect(done.reused).toBe(false);
    expect(entryNames()).toEqual(['out-0001', 'receipt.json']);
  });

  it.each([
    [
      'cannot be found',
      (): never => {
        throw new Error('not found');
      },
    ],
    ['is paused', () => ({ status: 'PAUSED' })],
    ['runs', () => ({ status: 'RUNNING', firstRunId: 'first-r1' })],
  ])('wait for one that %s', async (_what, described) => {
    const fake = recipeOf((facts) => ({ commands: [step(facts, `${MAKE()}; sleep 60`)] }));
    const first = start(async () => runStage(bench.host(fake), await bench.open(fake, 'r1')));
    await first.beat(() => count() === 1);
    const second = start(async () => runStage(bench.host(fake), await bench.open(fake, 'r2')), clientOf(described));
    await second.beat(isWaiting);
    cancel(second);
    await expect(second.result).rejects.toThrow();
    cancel(first);
    await expect(first.result).rejects.toThrow();
    expect(count()).toBe(1);
  });
});
