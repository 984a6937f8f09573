import { resolve } from 'node:path';
import { judgeResume, type ResumeLog } from '../../domain/resume-contract.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { AttemptRecord } from '../../schemas/attempt.js';
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
  { recipe, spec, ledger }: { readonly recipe: Recipe; readonly spec: PipelineSpec; readonly ledger: Ledger },
): Promise<AttemptResume | null> {
  const { load, attempt, refused, run, key } = record;
  if (load.iteration === null) return null;
  const entry = entryOf(ledger, { workspace, run }, resolve(load.path));
  const { resume } = recipe.training;
  const schedule = resume?.schedule(spec) ?? null;
  const report = judgeResume({
    fidelity: spec.train.checkpoint.fidelity,
    from: load.iteration,
    stored: entry?.stored ?? (await readStored(load.path, recipe)),
    asked: resume?.loads(spec) ?? { optimizer: false, rng: false },
    fillsMoments: resume?.fillsMoments ?? false,
    // What a person names with train.fromCheckpoint may come from any training.
    isSameData: entry?.key === key,
    schedule,
    log: await readLog(workspace, record, schedule?.samplesPerIteration ?? null),
  });
  return { attempt, refused, report };
}

async function readStored(dir: string, { checkpoint: { layout } }: Recipe): Promise<StoredState> {
  const { metadata } = await readCheckpoint(dir, { layout });
  return layout.storedState(metadata === null ? [] : [...metadata.tensors.keys(), ...metadata.bytesEntries]);
}

async function readLog(
  workspace: string,
  record: AttemptRecord,
  samplesPerIteration: number | null,
): Promise<ResumeLog> {
  const metrics = await attemptMetrics(workspace, record);
  const [first] = metrics;
  return {
    // A load with missing keys is fatal before the first step, so a step says that it went well.
    hasLoaded: first !== undefined,
    firstIteration: first?.iteration ?? null,
    consumedSamples: first?.consumedSamples ?? null,
    samplesPerIteration,
    rates: metrics.flatMap(({ iteration, learningRate }) =>
      learningRate === null ? [] : [{ iteration, rate: learningRate }],
    ),
  };
}
