import { log } from '@temporalio/activity';
import { StallWatch, type Sees, type StallLimits } from '../../domain/gang/stall.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { rankLogPath } from '../../host/keeper/paths.js';
import { cpuTimeMs } from '../../host/processes/cpu-time.js';
import { tailLog } from '../../host/processes/tail.js';
import { askForStacks, logBytes } from '../../host/run/rank-life.js';
import { WriteWatch } from '../../host/run/last-write.js';
import type { TrainingReading } from '../../host/run/training-log.js';
import type { TrainingRecipe } from '../../recipes/recipe.js';
import type { CheckpointBudgets } from '../../schemas/checkpoint.js';
import type { KeeperRecord } from '../../schemas/keeper.js';
import type { Timing } from '../../schemas/timing.js';

/** Begin of the reason with which a stalled training is stopped: the keeper keeps it for whoever asks later. */
export const STALLED = 'stalled';

/** Tells whether a training stands still, look by look. */
export interface StallWatcher {
  /** Looks at the ranks; stops them, their stacks in their logs, when the training stands still. */
  look(keeper: KeeperHandle, reading: TrainingReading): Promise<void>;
}

/** What the patience of a watch follows from. */
export interface Patience {
  readonly timing: Timing;
  /** From the checkpoint economy; null where it is not known. */
  readonly budgets: CheckpointBudgets | null;
  readonly saves: {
    readonly iterations: number;
    readonly checkpoint: { readonly every: number };
  };
}

/** Ranks of a stalled training answer nothing but a signal; a checkpoint is not being written. */
const GRACE_MS = 2_000;

/** Watches one host's part of an attempt. Made anew for each attempt of the activity: a take-over starts its patience again. */
export function watchForStall(
  patience: Patience,
  sees: Sees,
  ranks: readonly number[],
  stackSignal: TrainingRecipe['stackSignal'],
  saveDir: string,
): StallWatcher {
  const saves = new WriteWatch(saveDir);
  const watch = new StallWatch(limitsOf(patience), sees);
  return {
    async look(keeper, { phase, last }) {
      const status = await keeper.status();
      if (status.state !== 'running') return;
      const stall = watch.look({
        nowMs: performance.now(),
        phase,
        iteration: last?.iteration ?? null,
        stepMs: last?.elapsedMs ?? null,
        logBytes: logBytes(keeper.paths.dir, ranks),
        // Hosts that cannot judge need not look: the files of a large gang are many.
        savedAtMs: sees.milestones || sees.iterations ? saves.newest() : null,
        cpuMs: cpuTimeMs(rankSessions(status.record)),
      });
      if (stall === null) return;
      const reason = `${STALLED}: no iteration and no line of any rank${stall.phase === 'saving' ? ', nothing written of the checkpoint,' : ''} for ${seconds(stall.silentMs)} while ${stall.phase} (limit ${seconds(stall.budgetMs)})`;
      log.warn('the training stalled', { reason, keeper: keeper.id });
      if (stackSignal !== undefined)
        await askForStacks(status.record, stackSignal, () => logBytes(keeper.paths.dir, ranks));
      await keeper.stop({ reason, graceMs: GRACE_MS });
    },
  };
}

function limitsOf({ timing, budgets, saves: { iterations, checkpoint } }: Patience): StallLimits {
  const { stallStartMs, stallStepMs, stallSaveMs } = timing;
  return {
    stallStartMs,
    stallStepMs,
    // The bandwidth was measured in bursts of a second: it may tell that a save takes longer, never that it is quick.
    stallSaveMs: Math.max(stallSaveMs, budgets?.saveMs ?? 0),
    stallLoadMs: budgets?.loadMs ?? stallStartMs,
    saves: { every: checkpoint.every, last: iterations },
  };
}

/** The last lines of each rank's error log: its stacks, when it was asked for them. */
export async function lastWords(keeper: KeeperHandle, ranks: readonly number[]): Promise<string[]> {
  const words: string[] = [];
  for (const rank of ranks) {
    const { lines } = await tailLog(rankLogPath(keeper.paths.dir, rank, 'err'), { maxLines: 6 });
    words.push(...lines.map((line) => `rank ${rank}: ${line}`));
  }
  return words;
}

/** The launcher has a session of its own; it polls, and would hide that its ranks do nothing. */
function rankSessions({ sessions, child }: KeeperRecord): ReadonlySet<number> {
  return new Set(sessions.map(({ pid }) => pid).filter((pid) => pid !== child?.pid));
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
