import { resolve } from 'node:path';
import { judgeResume, type ResumeLog } from '../../domain/checkpoints/resume-contract.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { LoggedRate } from '../../domain/checkpoints/learning-rate.js';
import type { AttemptRecord, Metric } from '../../schemas/attempt.js';
import type { ResumeReport } from '../../schemas/checkpoint.js';
import type { Ledger, StoredState } from '../../schemas/ledger.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { readCheckpoint } from '../checkpoint/verify.js';
import { attemptMetrics } from '../run/metrics.js';
import { entryOf } from './prove.js';

/** What an attempt restored, and what it could not start from. */
export interface AttemptResume {
  readonly attempt: number;
  readonly refused: string[];
  readonly report: ResumeReport;
}

/**
 * What an attempt that started from a training checkpoint restored, judged by the checkpoint, by what the launch asked
 * for, and by the iterations that it logged; null for one that started from converted weights.
 */
export async function reportResume(
  workspace: string,
  record: AttemptRecord,
  plan: ResumePlan,
): Promise<AttemptResume | null> {
  const { attempt, refused } = record;
  const judge = await resumeJudge(workspace, record, plan);
  return judge === null ? null : { attempt, refused, report: judge(await attemptMetrics(workspace, record)) };
}

/** What resumes of a training are judged by. */
export interface ResumePlan {
  readonly recipe: Recipe;
  readonly spec: PipelineSpec;
  readonly ledger: Ledger;
}

/** Judges the resume of an attempt by the iterations that it has logged, as often as there are more of them. */
export type ResumeJudge = (logged: readonly LoggedStep[]) => ResumeReport;

type LoggedStep = Pick<Metric, 'iteration' | 'learningRate' | 'consumedSamples'>;

/** Gathers once what does not change; null for an attempt that started from converted weights. */
export async function resumeJudge(
  workspace: string,
  { load, run, key }: Pick<AttemptRecord, 'load' | 'run' | 'key'>,
  { recipe, spec, ledger }: ResumePlan,
): Promise<ResumeJudge | null> {
  const from = load.iteration;
  if (from === null) return null;
  const entry = entryOf(ledger, { workspace, run }, resolve(load.path));
  const { resume } = recipe.training;
  const schedule = resume?.schedule(spec) ?? null;
  const facts = {
    fidelity: spec.train.checkpoint.fidelity,
    from,
    stored: entry?.stored ?? (await readStored(load.path, recipe)),
    asked: resume?.loads(spec) ?? { optimizer: false, rng: false },
    fillsMoments: resume?.fillsMoments ?? false,
    // What a person names with train.fromCheckpoint may come from any training.
    isSameData: entry?.key === key,
    schedule,
  };
  return (logged) => judgeResume({ ...facts, log: logOf(logged, schedule?.samplesPerIteration ?? null) });
}

async function readStored(dir: string, { checkpoint: { layout } }: Recipe): Promise<StoredState> {
  const { metadata } = await readCheckpoint(dir, { layout });
  return layout.storedState(metadata === null ? [] : [...metadata.tensors.keys(), ...metadata.bytesEntries]);
}

function logOf(logged: readonly LoggedStep[], samplesPerIteration: number | null): ResumeLog {
  const [first] = logged;
  return {
    // A load with missing keys is fatal before the first step, so a step says that it went well.
    hasLoaded: first !== undefined,
    firstIteration: first?.iteration ?? null,
    consumedSamples: first?.consumedSamples ?? null,
    samplesPerIteration,
    rates: ratesOf(logged),
  };
}

/** The learning rates that were logged. */
export function ratesOf(logged: readonly LoggedStep[]): LoggedRate[] {
  return logged.flatMap(({ iteration, learningRate }) =>
    learningRate === null ? [] : [{ iteration, rate: learningRate }],
  );
}
