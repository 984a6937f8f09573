import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ATTEMPT_RECORD } from '../../domain/ids.js';
import type { HostSigns, RankEnd, RankSigns } from '../../domain/causes/evidence.js';
import type { HostEvidence } from '../../schemas/incident.js';
import { writeJsonFile } from '../json-file.js';
import type { KeeperHandle } from '../keeper/handle.js';
import { rankLogPath } from '../keeper/paths.js';
import { tailLog } from '../processes/tail.js';
import { grownAt } from './grown-at.js';
import type { TrainingReading } from './training-log.js';

/** How the launcher and the language of the ranks tell a failure; parsers of the recipes, which host cannot import. */
export interface FailureParsers {
  summary(output: string): { readonly rootCause: FailedRank; readonly others: readonly FailedRank[] } | null;
  tracebacks(lines: readonly string[]): readonly { readonly exception: string; readonly message: string }[];
}

interface FailedRank {
  readonly rank: number;
  /** Negative for a signal. */
  readonly exitCode: number;
  readonly signal: string | null;
  /** Host-local time, `2026-11-23_19:45:00`. */
  readonly time: string | null;
}

/** A traceback of a deep model has hundreds of lines; its end is what counts. */
const ERROR_LINES = 400;

/** Reads what a keeper and the logs of its ranks show after the end. Throws `KeeperError` for unreadable keeper files. */
export async function readSigns(
  host: string,
  keeper: KeeperHandle,
  reading: TrainingReading | null,
  parsers: FailureParsers,
): Promise<HostSigns> {
  const status = await keeper.status();
  const exit = status.state === 'exited' ? status.exit : null;
  const { lines } = await tailLog(keeper.paths.stderr, { maxLines: ERROR_LINES });
  const summary = parsers.summary(lines.join('\n'));
  const ranks: RankSigns[] = [];
  for (const rank of await ranksOf(keeper)) ranks.push(await readRank(keeper, rank, parsers));
  const { fatal, fatalAt } = reading ?? { fatal: null, fatalAt: null };
  return {
    host,
    ranks,
    ends: summary === null ? [] : [summary.rootCause, ...summary.others].map(toEnd),
    events: fatal === null ? [] : [{ id: fatal.id, text: fatal.text, rank: null, at: fatalAt }],
    stop: exit?.stop === null || exit?.stop === undefined ? null : { reason: exit.stop.reason, at: exit.stop.at },
    launcher:
      exit === null
        ? null
        : {
            code: exit.code,
            signal: exit.signal,
            at: exit.endedAt,
            errorLines: lines,
            exceptions: exceptionsIn(lines, parsers),
          },
    unkillable: exit?.unkillable ?? [],
  };
}

/** Whether the workspace shows an attempt that was opened there; throws where it does not. */
export async function seeAttempt(attemptDir: string): Promise<true> {
  await stat(join(attemptDir, ATTEMPT_RECORD));
  return true;
}

/** Keeps a copy of a host's evidence in the folder of its attempt; a workspace that is not there is not made. */
export async function keepEvidence(attemptDir: string, evidence: HostEvidence): Promise<void> {
  await seeAttempt(attemptDir);
  await writeJsonFile(join(attemptDir, evidence.host, 'evidence.json'), evidence);
}

/** Ranks that have left a log, in order. */
export async function ranksOf(keeper: KeeperHandle): Promise<readonly number[]> {
  const names = await readdir(keeper.paths.dir).catch(() => []);
  const ranks = new Set(names.flatMap((name) => /^rank-(\d+)\.(?:out|err)$/.exec(name)?.[1] ?? []).map(Number));
  return [...ranks].sort((a, b) => a - b);
}

async function readRank(keeper: KeeperHandle, rank: number, parsers: FailureParsers): Promise<RankSigns> {
  const path = rankLogPath(keeper.paths.dir, rank, 'err');
  const { lines } = await tailLog(path, { maxLines: ERROR_LINES });
  return { rank, errorLines: lines, exceptions: exceptionsIn(lines, parsers), errorAt: await grownAt(path) };
}

function exceptionsIn(lines: readonly string[], parsers: FailureParsers): string[] {
  return parsers.tracebacks(lines).map(({ exception, message }) => `${exception}: ${message}`);
}

function toEnd({ rank, exitCode, signal, time }: FailedRank): RankEnd {
  return { rank, code: signal === null ? exitCode : null, signal, at: time === null ? null : toInstant(time) };
}

/** The launcher tells the time of its host without a zone; the worker runs in the same one. */
function toInstant(local: string): string | null {
  const time = new Date(local.replace('_', 'T'));
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
