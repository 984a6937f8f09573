import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach } from 'vitest';
import type { StageHost } from '../../src/activities/stage-host.js';
import { makePlan } from '../../src/domain/plan.js';
import { readStoredSpec } from '../../src/domain/spec/read-spec.js';
import { LOCAL_TIMING } from '../../src/domain/timing.js';
import { writeRun } from '../../src/host/run/run-folder.js';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import type { Command, Recipe, StageFacts, StageWork } from '../../src/recipes/recipe.js';
import type { StagePlan } from '../../src/schemas/plan.js';
import type { StageCall } from '../../src/schemas/stage-calls.js';
import { READERS } from '../host/checkpoint/fixtures.js';
import { useKeeperBench } from '../host/keeper/helpers.js';

const SILENT = new DefaultLogger('ERROR', () => undefined);

/** Fast beats and looks, and a grace that no test waits for. */
export const TIMING = { ...LOCAL_TIMING, heartbeatIntervalMs: 20, pollMs: 20, stopGraceMs: 5_000 };

/** A workspace and a host with real keepers, for activities with recipes that a test writes itself. */
export interface StageBench {
  readonly workspace: () => string;
  readonly scratch: () => string;
  host(recipe: Recipe): StageHost;
  /** Opens the run's folder and answers the call of one of its stages. `edit` changes the text of the spec. */
  open(
    recipe: Recipe,
    run?: string,
    stage?: Partial<StagePlan>,
    edit?: (specText: string) => string,
  ): Promise<StageCall>;
}

/** Registers the hooks that make and remove a bench. */
export function useStageBench(): StageBench {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'temper-stage-'));
  });
  // Registered first, so that it runs last: by then no command writes into the folder any more.
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const keepers = useKeeperBench();
  const workspace = (): string => join(root, 'workspace');
  return {
    workspace,
    scratch: keepers.scratch,
    host: (recipe) => ({
      name: 'h1',
      fleet: 'f',
      scratch: keepers.scratch(),
      address: '127.0.0.1',
      keeperBundle: keepers.bundle(),
      programsRoot: join(root, 'programs'),
      tools: { python: 'python3', node: process.execPath, temper: 'temper.js', cpus: 1 },
      findRecipe: (id) => (id === recipe.id ? recipe : null),
    }),
    async open(recipe, run = 'r1', over = {}, edit = (text) => text) {
      const specText = edit(specFor(workspace()));
      const { spec } = readStoredSpec(specText);
      if (spec === null) throw new Error('the spec of the tests is not valid');
      const drafts = recipe.stages(spec);
      const plan = makePlan(spec, run, recipe, drafts, []);
      await writeRun(plan, specText);
      const name = over.name ?? 'weights';
      const stage = plan.stages.find((one) => one.name === name);
      if (stage === undefined) throw new Error(`no stage ${name}`);
      return {
        v: 1,
        run,
        owner: { workflowId: `temper/run/${run}`, firstRunId: `first-${run}`, runId: `run-${run}` },
        workspace: workspace(),
        specDigest: plan.specDigest,
        stage: { ...stage, programs: [], sources: [], resources: { diskBytes: 0, ramBytes: 0 }, ...over },
        needs: [],
        tryNumber: 1,
        isFresh: false,
        timing: TIMING,
      };
    },
  };
}

/** A recipe whose stages do what the test says. */
export function recipeOf(work: (facts: StageFacts) => Partial<StageWork>): Recipe {
  return {
    ...cpuTiny,
    id: 'fake',
    work: (_stage, facts) => ({ files: [], commands: [], checks: [], outputs: {}, ...work(facts) }),
  };
}

/** A step that runs a shell line in the stage's output folder. */
export function step(facts: Pick<StageFacts, 'out'>, line: string, name = 'make'): Command {
  return { step: name, argv: ['/bin/sh', '-c', line], cwd: facts.out, env: {} };
}

export interface Attempt<T> {
  readonly env: MockActivityEnvironment;
  readonly result: Promise<T>;
  /** Settles at the first heartbeat that matches. */
  beat(matches: (details: unknown) => boolean): Promise<void>;
}

/** Starts an attempt of an activity, whose end the test awaits. */
export function start<T>(work: (env: MockActivityEnvironment) => Promise<T>, client?: Client): Attempt<T> {
  const env = new MockActivityEnvironment({}, { logger: SILENT, ...(client === undefined ? {} : { client }) });
  const seen: unknown[] = [];
  env.on('heartbeat', (details: unknown) => seen.push(details));
  const result: Promise<T> = env.run<[], T, () => Promise<T>>(() => work(env));
  result.catch(() => undefined);
  return {
    env,
    result,
    beat: (matches) =>
      new Promise((resolve) => {
        if (seen.some(matches)) resolve();
        env.on('heartbeat', (details: unknown) => {
          if (matches(details)) resolve();
        });
      }),
  };
}

/** Runs an activity to its end. */
export function run<T>(work: () => Promise<T>, client?: Client): Promise<T> {
  return start(work, client).result;
}

/** Cancels an attempt as a cancelled workflow does. */
export function cancel({ env }: Pick<Attempt<unknown>, 'env'>): void {
  env.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
}

/** Interrupts an attempt as a worker that shuts down does. */
export function interrupt({ env }: Attempt<unknown>): void {
  env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
}

interface Described {
  readonly status: string;
  readonly firstRunId?: string;
}

/** A client that describes workflows; like the real one, it fails calls whose abort signal has fired. */
export function clientOf(describe: (workflowId: string) => Described): Client {
  const signals = new AsyncLocalStorage<AbortSignal>();
  const fake = {
    withAbortSignal: (signal: AbortSignal, work: () => Promise<unknown>) => signals.run(signal, work),
    workflow: {
      getHandle: (workflowId: string) => ({
        describe: async () => {
          signals.getStore()?.throwIfAborted();
          const { status, firstRunId = '' } = describe(workflowId);
          return { status: { name: status }, raw: { workflowExecutionInfo: { firstRunId } } };
        },
      }),
    },
  };
  // Safe: the activities use these members of a client only.
  return fake as unknown as Client;
}

function specFor(workspace: string): string {
  return `apiVersion: temper/v1
name: spec
recipe: fake
workspace: ${workspace}
fleet: { hosts: 1, npusPerHost: 2 }
weights: { source: 'seed:1' }
data: [{ name: made, format: synthetic, rows: 16 }]
train: { iterations: 4, learningRate: 0.001, checkpoint: { every: 2 }, fromCheckpoint: ${READERS}/dcp-release }
`;
}
