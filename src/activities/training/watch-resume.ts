import { log } from '@temporalio/activity';
import { rateAlarm, type RateAlarm } from '../../domain/gang/rate-alarm.js';
import { TemperError } from '../../domain/errors.js';
import { cutToBytes } from '../../domain/text/cut-text.js';
import { noteOf } from '../../domain/checkpoints/resume-contract.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { ratesOf, resumeJudge, type ResumeJudge } from '../../host/ledger/resumes.js';
import { readLedger } from '../../host/ledger/store.js';
import { allAttempts } from '../../host/run/attempts.js';
import { attemptMetrics } from '../../host/run/metrics.js';
import { runDir } from '../../host/run/run-folder.js';
import type { IterationReading } from '../../recipes/log-dialect.js';
import type { ResumeNote } from '../../schemas/checkpoint.js';
import type { TrainCall } from '../../schemas/stage-calls.js';
import type { StageInputs } from '../stage-inputs.js';

/** Begin of the reason with which a training is stopped that goes on with a wrong learning rate. */
export const WRONG_RATE = 'wrong-learning-rate';

/** Follows what an attempt restored, by what it logs. */
export interface ResumeWatcher {
  /** What is known by now; null where nothing was resumed. */
  note(logged: readonly IterationReading[]): Promise<ResumeNote | null>;
  /** The same; stops the ranks when the learning rate is not the one that the checkpoint promises. */
  look(keeper: KeeperHandle, logged: readonly IterationReading[]): Promise<ResumeNote | null>;
  /** Throws `ResumeBroken` when it is not: a training may end before the next look. */
  assertRight(logged: readonly IterationReading[]): Promise<void>;
}

interface Known {
  readonly judge: ResumeJudge;
  readonly alarm: (logged: readonly IterationReading[]) => RateAlarm | null;
}

/** Steps after which nothing new is to be learnt about a resume. */
const ENOUGH_STEPS = 20;

/**
 * Watches the resume of one attempt, on the host whose ranks log the steps; null on all others and for an attempt that
 * starts from converted weights.
 */
export function watchResume(call: TrainCall, inputs: StageInputs, logsSteps: boolean): ResumeWatcher | null {
  const { attempt } = call;
  if (!logsSteps || attempt.loadIteration === null) return null;
  let known: Promise<Known | null> | null = null;
  let settled: ResumeNote | null = null;
  let isWarned = false;
  const judge = async (logged: readonly IterationReading[]) => {
    // A workspace that does not answer now is asked again at the next look.
    known ??= gather(call, inputs).catch((error: unknown) => {
      known = null;
      throw error;
    });
    const facts = await known;
    if (facts === null) return { note: null, alarm: null };
    const alarm = facts.alarm(logged);
    const note = noteOf(attempt.attempt, facts.judge(logged));
    const warning = alarm?.kind === 'announced' ? cutToBytes(alarm.text, 160) : undefined;
    return { note: note === null || warning === undefined ? note : { ...note, warning }, alarm };
  };
  return {
    note: async (logged) => settled ?? (await judge(logged)).note,
    async assertRight(logged) {
      if (settled !== null) return;
      const { alarm } = await judge(logged);
      if (alarm?.kind === 'wrong') throw resumeBroken(`attempt ${attempt.attempt}`, alarm.text);
    },
    async look(keeper, logged) {
      if (settled !== null) return settled;
      const { note, alarm } = await judge(logged);
      if (alarm?.kind === 'wrong') {
        log.warn('the learning rate after the resume is wrong', { reason: alarm.text, keeper: keeper.id });
        await keeper.stop({ reason: cutToBytes(`${WRONG_RATE}: ${alarm.text}`, 300) });
      } else if (alarm !== null && !isWarned) {
        isWarned = true;
        log.warn(alarm.text, { keeper: keeper.id });
      }
      if (logged.length >= ENOUGH_STEPS && alarm?.kind !== 'wrong') settled = note;
      return note;
    },
  };
}

/** The error of a training that goes on as another one than was promised. */
export function resumeBroken(where: string, what: string): TemperError {
  const why = 'what is trained from there on is another training than the one that was resumed';
  return new TemperError('ResumeBroken', { where, what, why });
}

async function gather(
  { workspace, run, attempt }: TrainCall,
  { recipe, facts, key }: StageInputs,
): Promise<Known | null> {
  const attempts = await allAttempts(workspace, run);
  const record = attempts.find((one) => one.attempt === attempt.attempt);
  const { spec } = facts;
  if (record === undefined) return null;
  const judge = await resumeJudge(workspace, record, {
    recipe,
    spec,
    ledger: await readLedger(runDir(workspace, run)),
  });
  const from = record.load.iteration;
  if (judge === null || from === null) return null;
  const { fidelity } = spec.train.checkpoint;
  const schedule = recipe.training.resume?.schedule(spec) ?? null;
  const before = attempts.filter((one) => one.key === key && one.attempt < attempt.attempt);
  const earlier = ratesOf((await Promise.all(before.map((one) => attemptMetrics(workspace, one)))).flat());
  return {
    judge,
    alarm: (logged) =>
      schedule === null ? null : rateAlarm({ fidelity, schedule, from, logged: ratesOf(logged), earlier }),
  };
}
