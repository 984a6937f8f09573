import type { CheckpointEconomy } from '../../schemas/checkpoint.js';
import type { Problem } from '../../schemas/problem.js';
import { problem } from '../errors.js';
import { keptWhileTraining } from './ledger.js';
import { SAVE_SHARE } from '../measured-lints.js';

/** What the cost of checkpoints follows from. */
export interface EconomyFacts {
  /** Parameters of the model, and those of them that learn. */
  readonly parameters: { readonly total: number; readonly trained: number };
  readonly fidelity: 'full' | 'weights-only';
  /** Iterations between two checkpoints, iterations in all, checkpoints kept. */
  readonly every: number;
  readonly iterations: number;
  readonly keep: number;
  /** Hosts of the gang: any of them ends an attempt when it fails. */
  readonly hosts: number;
  /** Measured in the workspace by one host. */
  readonly bandwidth: {
    readonly writeBytesPerSecond: number;
    readonly readBytesPerSecond: number;
    readonly isReadCached: boolean;
  };
  /** Median without saves, from earlier attempts; null before there is any. */
  readonly iterationMs: number | null;
}

/** Training keeps its weights in F32, whatever the model came as. */
const WEIGHT_BYTES = 4;

/** Two F32 averages per parameter that learns. */
const MOMENT_BYTES = 8;

/**
 * 6.5 failures per thousand days of a host: the larger of the two rates in "Revisiting Reliability in Large-Scale
 * Machine Learning Research Clusters" (arXiv 2410.21680). An assumption until a fleet has its own number.
 */
const HOST_MTBF_MS = (1000 / 6.5) * 86_400_000;

/** Above this share of the run, saving costs more than it is likely to bring back. */
const MOST_SHARE = 0.1;

/** A file system that others use may be three times slower; a minute covers start-up and waiting for the other ranks. */
const BUDGET_FACTOR = 3;
const BUDGET_FLOOR_MS = 60_000;

/**
 * What checkpoints cost. One host's bandwidth stands for the whole gang's: where all share one file server that is true,
 * elsewhere saves are faster.
 */
export function checkpointEconomy(facts: EconomyFacts): CheckpointEconomy {
  const { parameters, fidelity, every, iterations, keep, hosts, bandwidth, iterationMs } = facts;
  const bytesPerSave = parameters.total * WEIGHT_BYTES + (fidelity === 'full' ? parameters.trained * MOMENT_BYTES : 0);
  const saveMs = (bytesPerSave / bandwidth.writeBytesPerSecond) * 1000;
  const loadMs = (bytesPerSave / bandwidth.readBytesPerSecond) * 1000;
  const saves = Math.ceil(iterations / every);
  const youngMs = youngIntervalMs(saveMs, HOST_MTBF_MS / hosts);
  return {
    ...bandwidth,
    bytesPerSave,
    saveMs,
    loadMs,
    saves,
    iterationMs,
    shareOfRun: iterationMs === null ? null : shareOfRun(facts, saveMs, iterationMs),
    // Kept ones, the one in use that a new one pushed out of them, and the one that is being written.
    peakBytes: Math.min(keptWhileTraining(keep) + 2, saves) * bytesPerSave,
    mtbfMs: HOST_MTBF_MS / hosts,
    youngMs,
    youngIterations: iterationMs === null ? null : Math.max(1, Math.round(youngMs / iterationMs)),
    cheapIterationMs: (saveMs * (1 - MOST_SHARE)) / (MOST_SHARE * every),
    saveBudgetMs: BUDGET_FLOOR_MS + BUDGET_FACTOR * saveMs,
    loadBudgetMs: BUDGET_FLOOR_MS + BUDGET_FACTOR * loadMs,
  };
}

/**
 * Young's interval between two saves: what is lost to a failure and what is spent on saves are equal there. For a save
 * of 5 minutes it is 3.4 hours at a failure every 2.9 days.
 */
export function youngIntervalMs(saveMs: number, mtbfMs: number): number {
  return Math.sqrt(2 * saveMs * mtbfMs);
}

/** What a training was told about its checkpoints. */
export interface ToldEconomy extends Pick<EconomyFacts, 'every' | 'iterations' | 'fidelity'> {
  /** Ids of lints that were accepted. */
  readonly accept: readonly string[];
}

/** Warns when saving takes more than a tenth of the run, unless that was accepted. */
export function economyWarnings(economy: CheckpointEconomy, told: ToldEconomy): Problem[] {
  const { shareOfRun: share } = economy;
  const { every, accept } = told;
  if (share === null || share <= MOST_SHARE || accept.includes(SAVE_SHARE)) return [];
  return [
    problem('SpecInvalid', {
      where: 'train.checkpoint.every',
      what: `saving every ${every} iterations takes ${Math.round(share * 100)} % of the run`,
      why: `a save takes ${(economy.saveMs / 1000).toFixed(1)} s, the iterations between two ${((every * (economy.iterationMs ?? 0)) / 1000).toFixed(1)} s`,
      fix: [...remedies(economy, told), `add ${SAVE_SHARE} to accept`].join(', or '),
    }),
  ];
}

/** What would make saves cheap enough. A run that saves only once at its end has nothing to restart from. */
function remedies(economy: CheckpointEconomy, { every, iterations, fidelity }: ToldEconomy): string[] {
  const cheap = Math.ceil((economy.saveMs * (1 - MOST_SHARE)) / (MOST_SHARE * (economy.iterationMs ?? 1)));
  const rarer = Math.min(Math.max(cheap, economy.youngIterations ?? 0), Math.floor(iterations / 2));
  return [
    ...(rarer >= cheap && rarer > every ? [`save every ${rarer} iterations`] : []),
    ...(fidelity === 'full' ? ['use fidelity weights-only'] : []),
  ];
}

function shareOfRun({ iterations, every }: EconomyFacts, saveMs: number, iterationMs: number): number {
  const saving = Math.ceil(iterations / every) * saveMs;
  return saving / (saving + iterations * iterationMs);
}
