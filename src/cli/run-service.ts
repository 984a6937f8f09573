import type { RecoverRequest } from '../client/recover.js';
import type { OnSilence, Place } from '../client/places.js';
import type { ScheduleRequest } from '../client/schedules/make-input.js';
import type { CheckpointList, PlanReport } from '../schemas/host-call.js';
import type { FleetState } from '../schemas/host.js';
import type { ModelDecision, PromotedModel } from '../schemas/models.js';
import type { CollectReport, RetentionPolicy } from '../schemas/retention.js';
import type { ApproveRequest } from '../schemas/retrain.js';
import type { Approved, ScheduleApplied, ScheduleDone, ScheduleList, ScheduleReport } from '../schemas/schedule.js';
import type { RunFacts } from '../client/render.js';
import type { DoctorReport } from '../schemas/preflight.js';
import type { StageName } from '../schemas/plan.js';
import type { RecoveryAnswer } from '../schemas/recovery.js';
import type { ResumeAnswer, RunStatus, SpecSet } from '../schemas/run.js';

/** A run to start. */
export interface StartRequest {
  /** The spec with absolute paths. */
  readonly specText: string;
  /** Absolute path of the spec file. */
  readonly file: string;
  readonly run: string;
  /** Start another run under the next free name when one of this name has ended. */
  readonly isNew: boolean;
  readonly from: StageName | null;
  readonly until: StageName | null;
}

/** Answer of a start; `started` is false when a run of that name was there already. */
export interface StartAnswer {
  readonly run: string;
  readonly started: boolean;
  readonly status: RunStatus;
}

/** What commands ask of runs and fleets. All of them reject with `TemperError`. */
export interface RunService {
  startRun(request: StartRequest): Promise<StartAnswer>;
  listRuns(): Promise<readonly RunStatus[]>;
  getRunStatus(run: string): Promise<RunStatus>;
  /** The status with the log lines of what went wrong, as a watch tells them at its end. */
  explainRun(status: RunStatus): Promise<RunStatus>;
  /** A status for each change, until the run ends or is blocked, or `signal` is aborted. */
  watchRun(run: string, signal: AbortSignal): AsyncIterable<RunStatus>;
  /** `by` and `why` are told by its status later. */
  cancelRun(run: string, ender: { readonly by: string; readonly why: string | null }): Promise<string | null>;
  pauseRun(run: string): Promise<void>;
  resumeRun(
    run: string,
    request: { readonly set: readonly SpecSet[]; readonly from: StageName | null },
  ): Promise<ResumeAnswer>;
  getFleet(fleet: string): Promise<FleetState>;
  /** Both answer the fleet as it is then. */
  cordonHost(fleet: string, host: string, reason: string): Promise<FleetState>;
  uncordonHost(fleet: string, host: string): Promise<FleetState>;
  planOnHost(request: { readonly specText: string; readonly file: string; readonly run: string }): Promise<PlanReport>;
  planOfRun(run: string): Promise<PlanReport>;
  listCheckpoints(run: string): Promise<CheckpointList>;
  readonly schedules: ScheduleService;
  readonly models: ModelService;
  /** What the scripts of a run are made from, asked of its hosts. */
  readRunFacts(run: string): Promise<RunFacts>;
  recoverRun(request: RecoverRequest): Promise<RecoveryAnswer>;
  /** The preflight list on hosts of a fleet, and what they tell together. */
  doctor(fleet: string, hosts: readonly string[], specText: string | null): Promise<DoctorReport>;
  close(): Promise<void>;
}

/** What commands ask of retrain schedules. */
export interface ScheduleService {
  apply(request: ScheduleRequest, isDryRun: boolean): Promise<ScheduleApplied>;
  list(): Promise<ScheduleList>;
  describe(name: string): Promise<ScheduleReport>;
  pause(name: string, note: string): Promise<ScheduleDone>;
  unpause(name: string, note: string): Promise<ScheduleDone>;
  trigger(name: string): Promise<ScheduleDone>;
  backfill(name: string, range: { readonly from: string; readonly to: string }): Promise<ScheduleDone>;
  delete(name: string): Promise<ScheduleDone>;
  approve(run: string, answer: Omit<ApproveRequest, 'v'>): Promise<Approved>;
}

/** What commands ask of promoted models; `place` null looks in all workspaces that are known. */
export interface ModelService {
  list(place: Place | null, model: string | null, onSilence: OnSilence): Promise<readonly PromotedModel[]>;
  /** Without a place it is where the server knows the run. */
  promote(
    place: Place | null,
    request: { readonly run: string; readonly model: string } & Decider,
  ): Promise<ModelDecision>;
  rollBack(
    place: Place | null,
    request: { readonly model: string; readonly to: number | null } & Decider,
  ): Promise<ModelDecision>;
  /** Removes what retention does not keep, or only tells it. */
  collect(
    place: Place | null,
    policy: RetentionPolicy,
    isDryRun: boolean,
    onSilence: OnSilence,
  ): Promise<readonly CollectReport[]>;
}

interface Decider {
  readonly by: string;
  readonly why: string;
}
