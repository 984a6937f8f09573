import { TemperError } from '../../src/domain/errors.js';
import { main } from '../../src/cli/main.js';
import type { CliIo } from '../../src/cli/io.js';
import type { RunService } from '../../src/cli/run-service.js';
import type { RunStatus } from '../../src/schemas/run.js';

/** What a command wrote and how it ended. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly runs?: Partial<RunService>;
  readonly cwd?: string;
  readonly env?: CliIo['env'];
  readonly isTTY?: boolean;
  readonly answer?: boolean;
  /** Gets what a Ctrl-C would call. */
  readonly onListen?: (interrupt: () => void) => void;
}

/** Runs a command line in this process, with a fake of everything behind it. */
export async function temper(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { runs, cwd = '/', env = {}, isTTY = false, answer = false, onListen } = options;
  let stdout = '';
  let stderr = '';
  const io: CliIo = {
    stdout: { write: (text) => (stdout += text), isTTY, columns: 80 },
    stderr: { write: (text) => (stderr += text), isTTY, columns: 80 },
    env,
    cwd,
    confirm: () => Promise.resolve(answer),
    onInterrupt(listener) {
      onListen?.(listener);
      return () => undefined;
    },
  };
  const status = await main(argv, { io, openRuns: () => Promise.resolve(fakeRuns(runs)) });
  return { status, stdout, stderr };
}

/** A service that knows the given calls; any other is an error of the test. */
export function fakeRuns(known: Partial<RunService> = {}): RunService {
  const refuse = (name: string) => (): never => {
    throw new Error(`the test did not expect ${name}`);
  };
  return {
    startRun: refuse('startRun'),
    listRuns: refuse('listRuns'),
    getRunStatus: refuse('getRunStatus'),
    explainRun: (status) => Promise.resolve(status),
    watchRun: refuse('watchRun'),
    cancelRun: refuse('cancelRun'),
    pauseRun: refuse('pauseRun'),
    resumeRun: refuse('resumeRun'),
    getFleet: refuse('getFleet'),
    cordonHost: refuse('cordonHost'),
    uncordonHost: refuse('uncordonHost'),
    planOnHost: refuse('planOnHost'),
    planOfRun: refuse('planOfRun'),
    readRunFacts: refuse('readRunFacts'),
    listCheckpoints: refuse('listCheckpoints'),
    schedules: {
      apply: refuse('schedules.apply'),
      list: refuse('schedules.list'),
      describe: refuse('schedules.describe'),
      pause: refuse('schedules.pause'),
      unpause: refuse('schedules.unpause'),
      trigger: refuse('schedules.trigger'),
      backfill: refuse('schedules.backfill'),
      delete: refuse('schedules.delete'),
      approve: refuse('schedules.approve'),
    },
    models: {
      list: refuse('models.list'),
      promote: refuse('models.promote'),
      rollBack: refuse('models.rollBack'),
      collect: refuse('models.collect'),
    },
    recoverRun: refuse('recoverRun'),
    doctor: refuse('doctor'),
    close: () => Promise.resolve(),
    ...known,
  };
}

/** `getRunStatus` and `listRuns` over some runs. */
export function knowing(...all: readonly RunStatus[]): Pick<RunService, 'getRunStatus' | 'listRuns'> {
  return {
    listRuns: () => Promise.resolve(all),
    getRunStatus(run) {
      const found = all.find((one) => one.run === run);
      return found === undefined
        ? Promise.reject(new TemperError('RunNotFound', { what: `there is no run ${run}` }))
        : Promise.resolve(found);
    },
  };
}

/** A run in the middle of training, changed by `change`. */
export function aRun(change: Partial<RunStatus> = {}): RunStatus {
  return {
    v: 1,
    run: 'tiny',
    workflowId: 'temper/run/tiny',
    workflowRunId: '0001',
    fleet: 'default',
    state: 'running',
    stage: 'train',
    problem: null,
    checkpoint: null,
    stages: [
      { name: 'environment', state: 'done', host: 'laptop-1', durationMs: 400 },
      { name: 'weights', state: 'reused', durationMs: 20 },
      { name: 'train', state: 'running', host: 'laptop-1', startedAt: '2026-11-23T10:00:10.000Z' },
      { name: 'export', state: 'pending' },
    ],
    progress: [
      {
        v: 1,
        stage: 'train',
        host: 'laptop-1',
        phase: 'training',
        iteration: 120,
        of: 400,
        loss: 0.41234,
        checkpoint: 100,
      },
    ],
    startedAt: '2026-11-23T10:00:00.000Z',
    closedAt: null,
    result: null,
    ...change,
  };
}

/** The same run when it is done, with a result. */
export function aDoneRun(): RunStatus {
  const stages: RunStatus['stages'] = [
    { name: 'environment', state: 'done', host: 'laptop-1', durationMs: 400 },
    { name: 'weights', state: 'reused', durationMs: 20 },
    { name: 'train', state: 'done', host: 'laptop-1', hosts: 2, durationMs: 61_200 },
    { name: 'export', state: 'done', host: 'laptop-2', durationMs: 9_000 },
  ];
  return aRun({
    state: 'done',
    stage: null,
    stages,
    progress: [],
    closedAt: '2026-11-23T10:03:12.000Z',
    result: {
      v: 1,
      run: 'tiny',
      workspace: '/w',
      exportDir: '/w/runs/tiny/export/hf',
      stages,
      facts: {
        train: { firstLoss: 5.31, lastLoss: 0.0871 },
        verify: {
          accuracyBefore: 0.02,
          accuracyAfter: 0.98,
          sample1Question: 'What colour?',
          sample1Expected: 'red',
          sample1Before: 'blu\u001b[31me',
          sample1After: 'red',
        },
      },
    },
  });
}

/** A run that waits for a person. */
export const aBlockedRun = aRun({
  state: 'blocked',
  problem: { code: 'CommandFailed', what: 'convert ended with code 1', fix: 'free the disk', retryable: false },
});

/** A watch that yields these and ends. */
export function watching(...statuses: readonly RunStatus[]): Pick<RunService, 'watchRun'> {
  return {
    async *watchRun() {
      for (const status of statuses) yield await Promise.resolve(status);
    },
  };
}
