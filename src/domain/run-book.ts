import type { GangReport } from '../schemas/incident.js';
import type { StageName, StagePlan } from '../schemas/plan.js';
import type { Problem } from '../schemas/problem.js';
import type { RunMemo, RunState, StageState, StageStatus } from '../schemas/run.js';
import type { StageDone } from '../schemas/stage-calls.js';
import { cutToBytes, jsonBytes, utf8Bytes } from './text/cut-text.js';

/** A memo has a soft limit of 2 kB for everything: the digest of the spec and the encoding need the rest. */
const MEMO_BYTES = 1_900;
/** Room that the reason of a blocked run and its fix need at least. */
const TEXT_BYTES = 400;
/** Paths in the workspace are shorter; adopted checkpoints may lie anywhere. */
const CHECKPOINT_BYTES = 200;

/** Where a stage runs: its host, or how many it has. */
export type StagePlace = Pick<StageStatus, 'host' | 'hosts'>;

/** What a run knows of itself, as plain state: the memo for `status`, and the outcomes that later stages need. */
export class RunBook {
  readonly #done = new Map<StageName, StageDone>();
  #stages: StageStatus[] = [];
  #state: RunState = 'running';
  #problem: Problem | null = null;
  #gang: GangReport | null = null;

  /** Takes the stages of a (new) plan; stages that are done and not listed as changed stay done. */
  plan(stages: readonly StagePlan[], changed: readonly StageName[]): void {
    for (const name of changed) this.#done.delete(name);
    const old = new Map(this.#stages.map((status) => [status.name, status]));
    this.#stages = stages.map(({ name }) =>
      this.#done.has(name) ? (old.get(name) ?? { name, state: 'done' }) : { name, state: 'pending' },
    );
  }

  /** Marks stages that this run leaves out. */
  skip(names: readonly StageName[]): void {
    this.#stages = this.#stages.map((status) =>
      names.includes(status.name) ? { name: status.name, state: 'skipped' } : status,
    );
  }

  begin(name: StageName, state: 'running' | 'waiting', at: string, where: StagePlace = {}): void {
    this.#change(name, { name, state, startedAt: at, ...where });
  }

  finish(name: StageName, done: StageDone): void {
    this.#done.set(name, done);
    const state: StageState = done.reused ? 'reused' : 'done';
    const { startedAt, hosts } = this.#status(name) ?? {};
    this.#change(name, {
      name,
      state,
      host: done.host,
      durationMs: done.durationMs,
      ...(hosts === undefined ? {} : { hosts }),
      ...(startedAt === undefined ? {} : { startedAt }),
    });
  }

  /** Takes what the gang of the run told last. */
  gang(report: GangReport): void {
    this.#gang = report;
  }

  /** A stage that somebody cancelled has not failed. */
  fail(name: StageName, state: 'failed' | 'cancelled' = 'failed'): void {
    this.#change(name, { name, ...this.#status(name), state });
  }

  /** Begins (again): what failed before is to be done. */
  run(): void {
    this.#state = 'running';
    this.#problem = null;
    this.#reset('pending');
  }

  block(problem: Problem): void {
    this.#state = 'blocked';
    this.#problem = problem;
    // What a person stopped has not failed.
    if (problem.code === 'Paused') this.#reset('waiting');
  }

  /** What is not done, and was begun, is to be done again. */
  #reset(state: 'pending' | 'waiting'): void {
    this.#stages = this.#stages.map((status) =>
      status.state === 'waiting' || hasStopped(status) ? { name: status.name, state } : status,
    );
  }

  end(state: 'done' | 'failed' | 'cancelled', problem: Problem | null = null): void {
    this.#state = state;
    this.#problem = problem;
  }

  /** Why it is blocked or has failed; null otherwise. */
  get problem(): Problem | null {
    return this.#problem;
  }

  get isBlocked(): boolean {
    return this.#state === 'blocked';
  }

  outcome(name: StageName): StageDone | undefined {
    return this.#done.get(name);
  }

  get doneStages(): readonly StageName[] {
    return [...this.#done.keys()];
  }

  get stages(): readonly StageStatus[] {
    return this.#stages;
  }

  /** State for `status`, at most `MEMO_BYTES` of JSON: the stages first, the texts in what they leave. */
  memo(): RunMemo {
    const active = this.#stages.find((one) => hasStopped(one) || one.state === 'running' || one.state === 'waiting');
    const checkpoint = this.#done.get('train')?.facts['checkpoint'];
    const memo: RunMemo = this.#withResume({
      v: 1,
      state: this.#state,
      stage: active?.name ?? null,
      reason: null,
      fix: null,
      code: this.#problem?.code ?? null,
      // Part of a path would lead nowhere; the receipt has the whole one.
      checkpoint: typeof checkpoint === 'string' && utf8Bytes(checkpoint) <= CHECKPOINT_BYTES ? checkpoint : null,
      ettr: this.#gang?.ettr ?? null,
      ...(this.#gang === null ? {} : { incidents: this.#gang.incidents }),
      ...(this.#gang === null || this.#gang.incident === null ? {} : { incident: this.#gang.incident }),
      stages: this.#stages,
    });
    if (this.#problem === null) return memo;
    const rest = Math.max(0, MEMO_BYTES - utf8Bytes(JSON.stringify(memo)));
    const fix = cutToBytes(this.#problem.fix, Math.floor(rest / 3));
    return { ...memo, fix, reason: cutToBytes(describe(this.#problem), rest - jsonBytes(fix)) };
  }

  /** What was resumed, as far as it leaves room for why a run is blocked. */
  #withResume(memo: RunMemo): RunMemo {
    const resume = this.#gang?.resume;
    if (resume === undefined) return memo;
    const { warning: _warning, ...short } = resume;
    const most = MEMO_BYTES - (this.#problem === null ? 0 : TEXT_BYTES);
    const fitting = [resume, short].find((one) => utf8Bytes(JSON.stringify({ ...memo, resume: one })) <= most);
    return fitting === undefined ? memo : { ...memo, resume: fitting };
  }

  #status(name: StageName): StageStatus | undefined {
    return this.#stages.find((status) => status.name === name);
  }

  #change(name: StageName, changed: StageStatus): void {
    this.#stages = this.#stages.map((status) => (status.name === name ? changed : status));
  }
}

function hasStopped({ state }: StageStatus): boolean {
  return state === 'failed' || state === 'cancelled';
}

function describe({ where, what, why }: Problem): string {
  // The place comes last, because texts are cut at their end, and a path of a log may be all that is left.
  return `${what}${why === undefined ? '' : ` (${why})`}${where === undefined ? '' : `, at ${where}`}`;
}
