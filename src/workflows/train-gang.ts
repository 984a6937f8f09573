import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import { formatProblem, problem } from '../domain/errors.js';
import { GangBook } from '../domain/gang/gang-book.js';
import type { Verdict } from '../schemas/incident.js';
import type { Problem } from '../schemas/problem.js';
import type { Attempt, GangInput, NodeDone, StageDone } from '../schemas/stage-calls.js';
import { awaitFences, mayStepOn, replaceLease, setAside, unusableHosts } from './gang/change-hosts.js';
import { findCause, type Case } from './gang/find-cause.js';
import { workOn, type Gang } from './gang/gang.js';
import { inParallel } from '../domain/in-parallel.js';
import { incidentOf, record, report } from './gang/record.js';
import { runAttempt, type AttemptFailure } from './gang/run-attempt.js';
import { hostsBusy, receiveLeases, type HeldLease, type Leases } from './lease.js';
import { firstAnswer } from './open-run.js';

/**
 * Training of one run on a gang of hosts: claim the output, then attempt after attempt until the last checkpoint is
 * proven. Each failure is stopped on all hosts, explained, recorded and answered; only when the policy says stop does
 * the workflow fail, with the incident as its reason.
 */
export async function trainGang(input: GangInput): Promise<StageDone> {
  const leases = receiveLeases();
  const { carry } = input;
  const book = carry === undefined ? GangBook.begin(Date.now()) : new GangBook(carry.book);
  const holder = new LeaseHolder(input, leases, carry ?? null);
  try {
    await holder.take();
    const claimed = carry === undefined ? await claim(input, holder.held) : null;
    return claimed ?? (await trainUntilDone(input, book, holder));
  } catch (error) {
    // The next execution goes on with the lease and the claim.
    if (error instanceof ContinueAsNew) holder.keep();
    else await CancellationScope.nonCancellable(() => releaseClaim(input, holder.held));
    throw error;
  } finally {
    await holder.giveBack();
  }
}

/** The one lease that the gang holds at a time. */
class LeaseHolder {
  readonly #input: GangInput;
  readonly #leases: Leases;
  #held: HeldLease | null;

  constructor(input: GangInput, leases: Leases, held: HeldLease | null) {
    this.#input = input;
    this.#leases = leases;
    this.#held = held;
  }

  get held(): HeldLease | null {
    return this.#held;
  }

  get lease(): HeldLease {
    if (this.#held === null) throw new TypeError('the gang holds no lease');
    return this.#held;
  }

  /** Waits for the first lease, as long as it takes for a run of a person: other runs come first. */
  async take(): Promise<void> {
    const { fleet, hosts, spares, leaseWaitMs } = this.#input;
    this.#held ??= await this.#leases.ask(fleet, { count: hosts, spares }, leaseWaitMs);
    if (this.#held === null) throw hostsBusy(fleet, hosts, leaseWaitMs);
  }

  /** Other hosts instead of some; without a lease when none came in time. */
  async replace(avoid: readonly string[]): Promise<void> {
    const old = this.lease;
    this.#held = null;
    this.#held = await replaceLease(this.#input, this.#leases, old, avoid);
  }

  keep(): void {
    this.#held = null;
  }

  async giveBack(): Promise<void> {
    if (this.#held !== null) await this.#leases.giveBack(this.#input.fleet, this.#held.request);
  }
}

async function claim(input: GangInput, held: HeldLease | null): Promise<StageDone | null> {
  const [first] = held?.grant.hosts ?? [];
  if (first === undefined) throw new TypeError('a lease holds no hosts');
  return (await workOn(input, first.name, 'claim').claimTraining(input.call)).done;
}

/** Others may try now. A claim that stays behind is taken over once this workflow is closed. */
async function releaseClaim({ fleet, call, probeHosts }: GangInput, held: HeldLease | null): Promise<void> {
  const hosts = held?.grant.hosts ?? probeHosts.map((name) => ({ name }));
  try {
    await firstAnswer(hosts, fleet, call.timing, (activities) => activities.releaseClaim(call));
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}

async function trainUntilDone(input: GangInput, book: GangBook, holder: LeaseHolder): Promise<StageDone> {
  let mayOldStepOn = false;
  for (let attempts = 0; ; attempts += 1) {
    if (attempts > 0 && !mayOldStepOn && isTimeToContinue(input, attempts)) {
      const { request, grant } = holder.lease;
      await continueAsNew<typeof trainGang>({ ...input, carry: { request, grant, book: book.state } });
    }
    const gang: Gang = { input, book, grant: holder.lease.grant };
    const outcome = await runAttempt(gang, { mayOldStepOn, onLaunch: (attempt) => launched(gang, attempt) });
    if (outcome.kind === 'done') {
      await finished(gang, outcome.attempt, outcome.nodes);
      return outcome.done;
    }
    const { failure } = outcome;
    await recover(gang, holder, failure);
    // Nothing was waited for by an attempt that could not be opened.
    mayOldStepOn = mayStepOn(input, failure) || (mayOldStepOn && failure.attempt === null);
  }
}

/** Only between attempts: no activity is pending then, and a new execution has nothing to take over but its book. */
function isTimeToContinue({ attemptsPerExecution }: GangInput, attempts: number): boolean {
  return attemptsPerExecution === undefined ? workflowInfo().continueAsNewSuggested : attempts >= attemptsPerExecution;
}

/** The attempt is on its way: the last incident knows from where it goes on, and how long that took. */
async function launched(gang: Gang, { attempt, loadIteration }: Attempt): Promise<void> {
  gang.book.sawCheckpoint(loadIteration);
  const incident = gang.book.relaunched(loadIteration, Date.now());
  await Promise.all([report(gang, attempt), ...(incident === null ? [] : [record(gang, incident)])]);
}

async function finished(gang: Gang, attempt: Attempt | null, nodes: readonly NodeDone[]): Promise<void> {
  const { book } = gang;
  const last = nodes.flatMap(({ lastIteration }) => lastIteration ?? []);
  const kept = last.length === 0 ? null : Math.max(...last);
  book.worked({
    from: attempt?.loadIteration ?? null,
    kept,
    stepMs: firstOf(nodes.map(({ stepMs }) => stepMs ?? null)),
  });
  book.sawCheckpoint(kept);
  book.resumed(firstOf(nodes.map(({ resume }) => resume ?? null)));
  const incident = book.moved(firstOf(nodes.map(({ firstIterationAt }) => firstIterationAt ?? null)));
  if (incident !== null) await record(gang, incident);
  await report(gang, attempt?.attempt ?? null);
}

/** Finds the cause, records it, and does what the policy says; throws the reason when that is to stop. */
async function recover(gang: Gang, holder: LeaseHolder, failure: AttemptFailure): Promise<void> {
  const { input, book } = gang;
  const found = await findCause(gang, failure);
  await settleBefore(gang, failure, found);
  const hasStepped = found.evidence.some(({ lastIteration }) => lastIteration !== null);
  const decision = book.decide(found.verdict, input.recovery, Date.now(), hasStepped);
  const unusable = unusableHosts(failure, found.evidence);
  const isReplacing = decision.reaction !== 'stop' && (decision.reaction === 'replace-host' || unusable.length > 0);
  const incident = incidentOf(gang, failure, found, isReplacing ? { ...decision, reaction: 'replace-host' } : decision);
  const lost = unusable.map(({ host }) => host);
  const count = await record(gang, incident, lost);
  book.noteIncident(incident, count ?? book.state.incidents + 1, failure.deadAtMs);
  await setAside(input, unusable);
  await report(gang, failure.attempt?.attempt ?? null);
  if (decision.reaction === 'stop') throw stopOf(found.verdict, decision.why, failure);
  if (isReplacing) {
    await awaitFences(input, failure);
    await holder.replace(lost.length > 0 ? lost : found.verdict.host === null ? [] : [found.verdict.host]);
  }
  if (decision.reaction === 'clean-restart') await sweep(input, holder.lease);
}

/** What this attempt tells about the one before: when it moved on, what it kept, and whether budgets are full again. */
async function settleBefore(gang: Gang, { attempt }: AttemptFailure, { evidence, newest }: Case): Promise<void> {
  if (attempt === null) return;
  const { book } = gang;
  book.sawCheckpoint(newest);
  book.worked({ from: attempt.loadIteration, kept: newest, stepMs: firstOf(evidence.map(({ stepMs }) => stepMs)) });
  book.resumed(firstOf(evidence.map(({ resume }) => resume ?? null)));
  const incident = book.moved(firstOf(evidence.map(({ firstIterationAt }) => firstIterationAt)));
  if (incident !== null) await record(gang, incident);
}

/** Leftovers hold ports, memory and files: everything of any training is ended on all hosts before the next try. */
async function sweep(input: GangInput, { grant }: HeldLease): Promise<void> {
  await inParallel(grant.hosts, ({ name }) => workOn(input, name, 'sweep').sweepNode(input.call));
}

/** The failure by which the gang ends: the problem of a call keeps its code and fix, a cause from the logs is told. */
function stopOf(
  { rule, host, sentence, evidenceLines }: Verdict,
  why: string,
  { problem: known }: AttemptFailure,
): ApplicationFailure {
  const isFromLogs = known.code === 'TrainingFailed' || known.code === 'CommandFailed' || evidenceLines.length > 0;
  const facts: Problem = isFromLogs
    ? problem('TrainingFailed', {
        ...(host === null ? {} : { where: host }),
        what: sentence,
        why: `${why}; rule ${rule}`,
        evidence: evidenceLines,
      })
    : { ...known, why: known.why === undefined ? why : `${known.why}; ${why}` };
  return ApplicationFailure.nonRetryable(formatProblem(facts), facts.code, facts);
}

function firstOf<T>(values: readonly (T | null)[]): T | null {
  return values.find((value) => value !== null) ?? null;
}
