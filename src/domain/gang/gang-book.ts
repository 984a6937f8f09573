import type { ResumeNote } from '../../schemas/checkpoint.js';
import type { GangBookState } from '../../schemas/gang.js';
import type { HostRecord } from '../../schemas/host.js';
import type { GangReport, Incident, IncidentNote, Verdict } from '../../schemas/incident.js';
import type { Recovery } from '../../schemas/plan.js';
import { cutToBytes } from '../text/cut-text.js';
import { goodput, usefulMs, type AttemptWork } from './goodput.js';
import { charge, decide, type Decision } from './policy.js';

/** What a gang remembers from attempt to attempt: budgets, the last incident and its own goodput. */
export class GangBook {
  #state: GangBookState;

  constructor(state: GangBookState) {
    this.#state = state;
  }

  /** The book of a gang that begins now. */
  static begin(nowMs: number): GangBook {
    return new GangBook({
      v: 1,
      startedAt: new Date(nowMs).toISOString(),
      usefulMs: 0,
      best: null,
      restarts: 0,
      byCause: {},
      blames: [],
      incidents: 0,
      number: 0,
      open: null,
      deadAt: null,
      relaunchedAt: null,
    });
  }

  get state(): GangBookState {
    return this.#state;
  }

  /** Whether a host passed the full preflight in this gang. */
  isChecked(host: HostName): boolean {
    return (this.#state.checked ?? []).includes(checkedName(host));
  }

  /** Hosts passed the full preflight: at a relaunch they are only looked at. */
  noteChecked(hosts: readonly HostName[]): void {
    const checked = new Set([...(this.#state.checked ?? []), ...hosts.map(checkedName)]);
    // Of a gang of 256 with hosts replaced all day, the oldest are looked at in full again.
    this.#state = { ...this.#state, checked: [...checked].slice(-1_000) };
  }

  /** A proven checkpoint was seen; a newer one than any before refills the budgets. */
  sawCheckpoint(iteration: number | null): void {
    if (iteration === null || iteration <= (this.#state.best ?? -1)) return;
    // Hosts keep their record: progress of the gang says nothing about the one that keeps failing.
    this.#state = { ...this.#state, restarts: 0, byCause: {}, best: iteration };
  }

  /** Decides about a failure and charges the budgets when it goes on. */
  decide(verdict: Verdict, recovery: Recovery, nowMs: number, hasStepped: boolean): Decision {
    const decision = decide(verdict, this.#state, recovery, nowMs, hasStepped);
    if (decision.reaction !== 'stop') {
      const { restarts, byCause, blames } = charge(this.#state, verdict, nowMs);
      this.#state = { ...this.#state, restarts, byCause, blames: [...blames] };
    }
    return decision;
  }

  /** Number of the next incident of this gang, for its id. */
  get nextNumber(): number {
    return this.#state.number + 1;
  }

  /** Takes a recorded incident; `incidents` is how many the run has had, `deadAtMs` when the last rank was proven dead. */
  noteIncident(incident: Incident, incidents: number, deadAtMs: number): void {
    const deadAt = new Date(deadAtMs).toISOString();
    this.#state = {
      ...this.#state,
      open: incident,
      incidents,
      number: this.#state.number + 1,
      deadAt,
      relaunchedAt: null,
    };
  }

  /** An attempt was started from `loadIteration`; answers the last incident as it is known now, when it was open. */
  relaunched(loadIteration: number | null, nowMs: number): Incident | null {
    const { open, deadAt } = this.#state;
    if (open === null || open.reaction === 'stop' || open.resumedFrom !== null) return null;
    const from = loadIteration ?? 0;
    const incident: Incident = {
      ...open,
      resumedFrom: from,
      stepsLost: open.lastIteration === null ? null : Math.max(0, open.lastIteration - from),
      relaunchMs: deadAt === null ? null : nowMs - Date.parse(deadAt),
    };
    this.#state = { ...this.#state, open: incident, relaunchedAt: new Date(nowMs).toISOString() };
    return incident;
  }

  /** The attempt logged its first iteration at this time (RFC 3339); answers the finished incident before it, if any. */
  moved(firstIterationAt: string | null): Incident | null {
    const { open, relaunchedAt } = this.#state;
    if (open === null || relaunchedAt === null || firstIterationAt === null || open.firstIterationMs !== null)
      return null;
    const incident = {
      ...open,
      firstIterationMs: Math.max(0, Date.parse(firstIterationAt) - Date.parse(relaunchedAt)),
    };
    this.#state = { ...this.#state, open: incident };
    return incident;
  }

  /** Takes what an attempt restored, where one of its hosts could tell. */
  resumed(note: ResumeNote | null): void {
    if (note !== null) this.#state = { ...this.#state, resume: note };
  }

  /** Adds what an attempt did that counts. */
  worked(work: AttemptWork): void {
    this.#state = { ...this.#state, usefulMs: this.#state.usefulMs + usefulMs(work) };
  }

  /** What the workflow of the run shows. */
  report(attempt: number | null, nowMs: number): GangReport {
    const { open, incidents, startedAt, best, resume } = this.#state;
    return {
      v: 1,
      attempt,
      incidents,
      incident: open === null ? null : noteOf(open),
      ettr: goodput(this.#state.usefulMs, nowMs - Date.parse(startedAt)),
      checkpoint: best,
      ...(resume === undefined ? {} : { resume }),
    };
  }
}

function noteOf(incident: Incident): IncidentNote {
  const { attempt, verdict, reaction, at, resumedFrom, stepsLost } = incident;
  const { detectMs, stopMs, relaunchMs, firstIterationMs } = incident;
  return {
    ...{ attempt, cause: verdict.cause, reaction, host: verdict.host },
    sentence: cutToBytes(verdict.sentence, 160),
    ...{ at, resumedFrom, stepsLost, detectMs, stopMs, relaunchMs, firstIterationMs },
  };
}

type HostName = Pick<HostRecord, 'name' | 'machineId'>;

/** Another machine under an old name is new. */
function checkedName({ name, machineId }: HostName): string {
  return `${name}@${machineId}`;
}
