import { join } from 'node:path';
import { activityInfo, log } from '@temporalio/activity';
import { GENERIC_RULES } from '../../domain/causes/cause-rules.js';
import { vanishedWorkspace } from '../../domain/causes/cause-texts.js';
import { cutToBytes } from '../../domain/text/cut-text.js';
import { firstFindings } from '../../domain/causes/diagnose.js';
import { findingsOf } from '../../domain/causes/evidence.js';
import type { KeeperHandle } from '../../host/keeper/handle.js';
import { rankLogPath } from '../../host/keeper/paths.js';
import { tailLog } from '../../host/processes/tail.js';
import { attemptDir } from '../../host/run/attempts.js';
import { keepEvidence, ranksOf, readSigns, seeAttempt } from '../../host/run/evidence.js';
import { grownAt } from '../../host/run/grown-at.js';
import { writeMetrics } from '../../host/run/metrics.js';
import { readPace } from '../../host/run/pace-file.js';
import { TrainingLog } from '../../host/run/training-log.js';
import { parseTorchrunSummary, parseTracebacks } from '../../recipes/megatron/failures.js';
import type { IterationReading } from '../../recipes/log-dialect.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { ResumeNote } from '../../schemas/checkpoint.js';
import type { HostEvidence } from '../../schemas/incident.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { TrainCall } from '../../schemas/stage-calls.js';
import { inTime } from '../in-time.js';
import type { StageHost } from '../stage-host.js';
import { gatherBasics, gatherInputs } from '../stage-inputs.js';
import { keeperOfAttempt } from './training-commands.js';
import { watchResume } from './watch-resume.js';

/** Clocks that differ less are taken as equal: the measure itself holds the way through the server. */
const CLOCK_TOLERANCE_MS = 2_000;
/** A workspace that hangs must not keep the evidence that lies on the host's own disk. */
const WORKSPACE_PATIENCE_MS = 5_000;

/**
 * What this host knows of its part of a failed attempt, read from its own disk: the rules are met here, where the logs
 * are, and findings travel. A copy goes to the attempt's folder when the workspace answers.
 */
export async function collectEvidence(host: StageHost, call: TrainCall): Promise<HostEvidence> {
  const clockOffsetMs = readClockOffset();
  const basics = await within(WORKSPACE_PATIENCE_MS, gatherBasics(host, call));
  const keeper = keeperOfAttempt(host, call);
  const { evidence, iterations } =
    keeper === null
      ? { evidence: nothing(host, call, clockOffsetMs), iterations: [] }
      : await readEvidence(host, call, keeper, basics, clockOffsetMs);
  const dir = attemptDir(call.workspace, call.run, call.attempt.attempt);
  await within(WORKSPACE_PATIENCE_MS, keep(dir, evidence, iterations));
  return evidence;
}

/**
 * The curve is kept once more, now that nothing runs: ranks whose keeper was killed, or whose worker was away, went on
 * after their supervisor had ended.
 */
async function keep(dir: string, evidence: HostEvidence, iterations: readonly IterationReading[]): Promise<void> {
  await keepEvidence(dir, evidence);
  if (iterations.length > 0) await writeMetrics(join(dir, evidence.host), iterations);
}

async function readEvidence(
  host: StageHost,
  call: TrainCall,
  keeper: KeeperHandle,
  basics: { readonly recipe: Recipe; readonly spec: PipelineSpec } | null,
  clockOffsetMs: number,
): Promise<{ readonly evidence: HostEvidence; readonly iterations: readonly IterationReading[] }> {
  const recipe = basics?.recipe ?? null;
  const ranks = await ranksOf(keeper);
  // Not the ranks that have logs: those that never began have none.
  const perHost = basics?.spec.fleet.npusPerHost ?? ranks.length;
  const speaking = recipe === null ? null : recipe.training.iterationRank(call.nodeCount, perHost);
  const telling = ranks.filter((rank) => rank === 0 || rank === speaking);
  const trainingLog = basics === null ? null : trainingLogOf(keeper, telling, basics);
  const reading = (await trainingLog?.read()) ?? null;
  const signs = await readSigns(host.name, keeper, reading, {
    summary: parseTorchrunSummary,
    tracebacks: parseTracebacks,
  });
  const isSeen = await within(
    WORKSPACE_PATIENCE_MS,
    seeAttempt(attemptDir(call.workspace, call.run, call.attempt.attempt)),
  );
  const rules = [
    ...(isSeen === true ? [] : [vanishedWorkspace(call.workspace)]),
    ...(recipe?.verdictRules ?? []),
    ...GENERIC_RULES,
  ];
  const lastAt = speaking === null ? null : await grownAt(rankLogPath(keeper.paths.dir, speaking, 'out'));
  const { lines } = await tailLog(keeper.paths.stderr, { maxLines: 6 });
  const evidence: HostEvidence = {
    v: 1,
    host: host.name,
    nodeRank: call.nodeRank,
    isReached: true,
    // Sixteen ranks that all lost the same peer say it four times as well.
    findings: firstFindings(findingsOf(signs, rules), 4),
    exitCode: signs.launcher?.code ?? null,
    exitSignal: signs.launcher?.signal ?? null,
    stopReason: signs.stop?.reason ?? null,
    endedAt: signs.launcher?.at ?? null,
    unkillable: [...signs.unkillable].slice(0, 16),
    phase: reading?.phase ?? 'unknown',
    lastIteration: reading?.last?.iteration ?? null,
    lastIterationAt: reading?.last === null ? null : lastAt,
    firstIterationAt: trainingLog === null ? null : trainingLog.firstIterationAt(lastAt),
    stepMs: trainingLog?.meanStepMs ?? null,
    clockOffsetMs,
    resume: await within(WORKSPACE_PATIENCE_MS, resumeNote(host, call, trainingLog, speaking, ranks)),
    pace: await readPace(keeper.paths.dir),
    tail: lines.map((line) => cutToBytes(line, 160)),
  };
  return { evidence, iterations: trainingLog?.iterations ?? [] };
}

function trainingLogOf(
  keeper: KeeperHandle,
  ranks: readonly number[],
  { recipe: { training }, spec }: { readonly recipe: Recipe; readonly spec: PipelineSpec },
): TrainingLog {
  return new TrainingLog(keeper.paths.dir, ranks, training.log, training.frozen?.(spec));
}

/** What the attempt restored, where this host can tell. */
async function resumeNote(
  host: StageHost,
  call: TrainCall,
  trainingLog: TrainingLog | null,
  speaking: number | null,
  ranks: readonly number[],
): Promise<ResumeNote | null> {
  if (trainingLog === null || speaking === null || !ranks.includes(speaking) || call.attempt.loadIteration === null)
    return null;
  const watcher = watchResume(call, await gatherInputs(host, call), true);
  return (await watcher?.note(trainingLog.iterations)) ?? null;
}

/** Evidence of a host where the attempt never began. */
function nothing(host: StageHost, { nodeRank }: TrainCall, clockOffsetMs: number): HostEvidence {
  return {
    v: 1,
    host: host.name,
    nodeRank,
    isReached: true,
    findings: [],
    exitCode: null,
    exitSignal: null,
    stopReason: null,
    endedAt: null,
    unkillable: [],
    phase: 'not started',
    lastIteration: null,
    lastIterationAt: null,
    firstIterationAt: null,
    stepMs: null,
    clockOffsetMs,
    tail: [],
  };
}

/** This host's clock minus the server's, which stamped the call a moment ago. */
function readClockOffset(): number {
  const offset = Date.now() - activityInfo().currentAttemptScheduledTimestampMs;
  return Math.abs(offset) < CLOCK_TOLERANCE_MS ? 0 : offset;
}

/** The value, or null when it fails or takes too long. */
function within<T>(limitMs: number, work: Promise<T>): Promise<T | null> {
  const value = work.catch((error: unknown) => {
    log.warn('evidence without the workspace', { error });
    return null;
  });
  return inTime(limitMs, value);
}
