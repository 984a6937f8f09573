import { log as activityLog } from '@temporalio/activity';
import { join } from 'node:path';
import { TemperError } from '../../domain/errors.js';
import { fenceTimes } from '../../domain/gang/fence.js';
import { trainingSpeed } from '../../domain/gang/training-speed.js';
import { fenceFile } from '../../host/fence/workspace-fence.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { keepersDir, rankLogPath } from '../../host/keeper/paths.js';
import { tailLog } from '../../host/processes/tail.js';
import { interfaceOf } from '../../host/network-interface.js';
import { makeFolder } from '../../host/make-folder.js';
import { writeFiles } from '../../host/write-files.js';
import { attemptDir } from '../../host/run/attempts.js';
import { writePreparation } from '../../host/run/preparation.js';
import { KeptCurve } from '../../host/run/kept-curve.js';
import { grownAt } from '../../host/run/grown-at.js';
import { TrainingLog } from '../../host/run/training-log.js';
import type { IterationReading } from '../../recipes/log-dialect.js';
import type { Command, LaunchFacts } from '../../recipes/recipe.js';
import type { ResumeNote } from '../../schemas/checkpoint.js';
import type { Progress } from '../../schemas/run.js';
import type { NodeDone, TrainCall } from '../../schemas/stage-calls.js';
import { chainOf, keeperOf } from '../keeper-of.js';
import { localLoadDir } from './local-copy.js';
import type { StageHost } from '../stage-host.js';
import { gatherInputs } from '../stage-inputs.js';
import { assertSucceeded, supervise } from './supervise.js';
import { lastWords, STALLED, watchForStall, type StallWatcher } from './watch-for-stall.js';
import { resumeBroken, watchResume, WRONG_RATE, type ResumeWatcher } from './watch-resume.js';
import { PaceWatch } from './watch-pace.js';
import { watchSaves, type WatchedSaves } from './watch-saves.js';

/** Supervises one host's part of an attempt: starts torchrun or attaches to it, and reads its ranks' logs. */
export async function trainNode(host: StageHost, call: TrainCall): Promise<NodeDone> {
  const { attempt, nodeRank, nodeCount, workspace, run } = call;
  const inputs = await gatherInputs(host, call);
  const { recipe, tools, facts } = inputs;
  const saves = watchSaves(call, inputs);
  const ranksPerNode = facts.spec.fleet.npusPerHost;
  const rankLogDir = join(host.scratch, 'rank-logs', `${run}-${attempt.attempt}-${nodeRank}-${chainOf(call)}`);
  await makeFolder(rankLogDir);
  const dir = attemptDir(workspace, run, attempt.attempt);
  const launch: LaunchFacts = {
    spec: facts.spec,
    tools,
    nodeRank,
    nodes: nodeCount,
    ranksPerNode,
    masterAddress: attempt.masterAddress,
    masterPort: attempt.masterPort,
    address: host.address,
    networkInterface: interfaceOf(host.address),
    rankLogDir,
    cacheDir: join(host.scratch, 'caches'),
    hostDir: join(dir, host.name),
    loadDir: (await localLoadDir(host, call, facts.spec)) ?? join(dir, 'load'),
    saveDir: join(dir, 'ckpt'),
    isResume: attempt.loadIteration !== null,
    measured: {
      saveMs: attempt.budgets?.expectedSaveMs ?? null,
      preprocessRowsPerSecond: attempt.preprocessRowsPerSecond ?? null,
    },
    inputs: facts.inputs,
  };
  await writeFiles(recipe.training.files?.(launch) ?? []);
  const command = recipe.training.launch(launch);
  const ranks = Array.from({ length: ranksPerNode }, (_, local) => nodeRank * ranksPerNode + local);
  const speaking = recipe.training.iterationRank(nodeCount, ranksPerNode);
  const telling = new Set([0, speaking]);
  const keeperDir = join(keepersDir(host.scratch), keeperOf(call, command.step, attempt.attempt));
  const log = new TrainingLog(
    keeperDir,
    ranks.filter((rank) => telling.has(rank)),
    recipe.training.log,
    recipe.training.frozen?.(facts.spec),
  );
  const sees = { milestones: ranks.includes(0), iterations: ranks.includes(speaking) };
  const isTelling = sees.milestones || sees.iterations;
  const watch = watchForStall(
    { timing: call.timing, budgets: attempt.budgets ?? null, saves: facts.spec.train },
    sees,
    ranks,
    recipe.training.stackSignal,
    launch.saveDir,
  );
  const resume = watchResume(call, inputs, sees.iterations);
  const pace = new PaceWatch();
  const curve = new KeptCurve(launch.hostDir, facts.spec.train.checkpoint.every);
  const superviseNode = async () => {
    try {
      return await supervise({
        host,
        call,
        command,
        number: attempt.attempt,
        rankLogs: { dir: rankLogDir, baseRank: nodeRank * ranksPerNode },
        fence: {
          file: fenceFile(workspace, run),
          attempt: attempt.attempt,
          lease: call.lease,
          ...fenceTimes(call.timing),
        },
        progress: (keeper) => readProgress({ log, isTelling, curve, saves, watch, resume, pace }, keeper),
      });
    } finally {
      // Stopped or failed: what was trained and saved until then counts, but is not worth the real error.
      await wrapUp(launch.hostDir, { log, curve, saves }, rowsOf(facts.inputs)).catch((error: unknown) =>
        activityLog.warn('the end of the training was not recorded', { error }),
      );
    }
  };
  const result = await superviseNode();
  const { last, hasEnded, fatal } = await log.read();
  if (fatal !== null) {
    throw new TemperError('TrainingUnproven', {
      where: `${host.name}: ${result.keeper.id}`,
      what: `the training said: ${fatal.text}`,
      why: fatal.id,
    });
  }
  await assertTrained(command, ranks, result);
  await resume?.assertRight(log.iterations);
  return {
    v: 1,
    host: host.name,
    lastIteration: last?.iteration ?? null,
    hasEnded,
    stepMs: log.meanStepMs,
    firstIterationAt: log.firstIterationAt(await grownAt(rankLogPath(keeperDir, speaking, 'out'))),
    resume: await lookAtResume(resume, result.keeper, log),
  };
}

/** Rows that are trained on, as the stage counted them that judges them. */
function rowsOf({ check, data }: LaunchFacts['inputs']): unknown {
  return check?.facts['rows'] ?? data?.facts['rows'];
}

/** What was saved up to the end is proven too, before somebody asks for the newest one; the curve is kept. */
async function wrapUp(
  dir: string,
  { log, curve, saves }: Pick<Watched, 'log' | 'curve' | 'saves'>,
  rows: unknown,
): Promise<void> {
  // Read in any case: hosts that watch no saves keep the curve as well.
  const { saved } = await log.read();
  saves?.proving.note(saved);
  await saves?.proving.settle();
  await curve.settle(log.iterations);
  if (typeof rows === 'number' && log.rowsMs !== null) await writePreparation(dir, rows, log.rowsMs);
}

interface Watched {
  readonly log: TrainingLog;
  /** Whether a rank of this host logs what it does; the others only run. */
  readonly isTelling: boolean;
  readonly curve: KeptCurve;
  readonly saves: WatchedSaves | null;
  readonly watch: StallWatcher;
  readonly resume: ResumeWatcher | null;
  readonly pace: PaceWatch;
}

async function readProgress(
  { log, isTelling, curve, saves, watch, resume, pace }: Watched,
  keeper: KeeperHandle,
): Promise<Partial<Progress>> {
  const reading = await log.read();
  const { phase, last, saved, lastStepAt, fatal } = reading;
  saves?.proving.note(saved);
  curve.note(log.iterations);
  // Before a stall is answered: the ranks are looked at while they live.
  const seen = await pace.look(keeper);
  // What is trained after a fatal line is worthless; stopping is not this reader's business, so it asks the keeper.
  if (fatal !== null) await keeper.stop({ reason: fatal.id });
  else await watch.look(keeper, reading);
  const slowSaves = saves?.slow() ?? [];
  const restored = fatal === null ? await lookAtResume(resume, keeper, log) : null;
  return {
    phase: isTelling ? phase : 'running',
    sinceLastStepMs: Date.now() - lastStepAt,
    checkpoint: saves?.proving.proofs.newest ?? null,
    ...(last === null ? {} : { ...lastStep(last), ...trainingSpeed(log.iterations) }),
    ...(restored === null ? {} : { resume: restored }),
    ...(seen === null ? {} : { pace: seen }),
    ...(slowSaves.length === 0 ? {} : { slowSaves: [...slowSaves] }),
  };
}

function lastStep({ iteration, of, loss, learningRate, gradNorm }: IterationReading): Partial<Progress> {
  return { iteration, of, loss, learningRate, gradNorm };
}

/** What was restored is read in the workspace: while that does not answer, everything else is told all the same. */
async function lookAtResume(
  resume: ResumeWatcher | null,
  keeper: KeeperHandle,
  { iterations }: TrainingLog,
): Promise<ResumeNote | null> {
  try {
    return (await resume?.look(keeper, iterations)) ?? null;
  } catch (error) {
    activityLog.debug('what was restored cannot be told now', { error });
    return null;
  }
}

/** The evidence of a failed rank is in its own log; torchrun's says only which rank it was. */
async function assertTrained(
  command: Command,
  ranks: readonly number[],
  result: Parameters<typeof assertSucceeded>[1],
): Promise<void> {
  const { keeper, exit } = result;
  if (exit.code === 0 && exit.stop === null) return;
  if (exit.stop?.reason.startsWith(STALLED) === true) {
    const evidence = await lastWords(keeper, ranks);
    throw new TemperError('TrainingStalled', { where: keeper.paths.dir, what: exit.stop.reason, evidence });
  }
  if (exit.stop?.reason.startsWith(WRONG_RATE) === true) {
    throw resumeBroken(keeper.paths.dir, exit.stop.reason.slice(WRONG_RATE.length + 2));
  }
  if (exit.stop !== null || exit.spawnError !== null) return assertSucceeded(command.step, result);
  for (const rank of ranks) {
    const path = rankLogPath(keeper.paths.dir, rank, 'err');
    const { lines } = await tailLog(path, { maxLines: 400 });
    // A program that found its input wrong says so in one line; everything else ends with a traceback.
    const start = lines.findLastIndex((line) => /Traceback \(most recent call last\)|^error/i.test(line));
    if (start < 0) continue;
    const evidence = lines.slice(start);
    throw new TemperError('TrainingFailed', {
      where: path,
      what: `rank ${rank} failed: ${evidence.at(-1) ?? ''}`.trim(),
      evidence,
    });
  }
  return assertSucceeded(command.step, result);
}
