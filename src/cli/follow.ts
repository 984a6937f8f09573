import { assertNever } from '../domain/assert-never.js';
import { EXIT } from '../domain/errors.js';
import type { ExitStatus } from '../domain/errors.js';
import type { RunStatus } from '../schemas/run.js';
import type { CommandContext } from './context.js';
import { createLiveRegion } from './live-region.js';
import type { Output } from './output.js';
import { renderReport } from './render/report.js';
import { renderLive, renderNews, renderProgress, renderStatus } from './render/status.js';
import type { RunService } from './run-service.js';

/** Off a terminal, progress is told at most this often: a log of thousands of lines helps nobody. */
const PROGRESS_EVERY_MS = 10_000;

/** Watches a run until it ends, blocks or the user stops watching; the exit status is the run's result. */
export async function watchUntilEnd(context: CommandContext, runs: RunService, run: string): Promise<ExitStatus> {
  const watching = new AbortController();
  const off = context.io.onInterrupt(() => watching.abort());
  try {
    const last = await followRun(runs.watchRun(run, watching.signal), context.output, watching.signal);
    if (last !== null && last.state !== 'running') return tellOutcome(last, context.output);
    context.output.note(
      `no longer watching; ${run} goes on. temper watch ${run} watches again, temper cancel ${run} stops it`,
    );
    return EXIT.interrupted;
  } finally {
    off();
  }
}

/** Shows the progress of a run on stderr (jsonl: each status on stdout); returns the last status seen. */
export async function followRun(
  statuses: AsyncIterable<RunStatus>,
  output: Output,
  signal: AbortSignal,
): Promise<RunStatus | null> {
  const show = output.format === 'jsonl' ? showEvents(output) : output.isLive ? showLive(output) : showLines(output);
  let last: RunStatus | null = null;
  try {
    for await (const status of statuses) {
      show(last, status);
      last = status;
      if (status.state !== 'running' || signal.aborted) break;
    }
  } catch (error) {
    // An aborted watch ends by its signal; whatever else it throws is told.
    if (!signal.aborted) throw error;
  }
  return last;
}

/** Tells how a run ended: the report or the status on stdout, the reason on stderr. */
export function tellOutcome(status: RunStatus, output: Output): ExitStatus {
  if (output.format !== 'jsonl') {
    output.result(status, (paint) =>
      status.state === 'done' ? renderReport(status, paint) : renderStatus(status, paint, Date.now()),
    );
  }
  if (status.state !== 'done' && output.format !== 'text' && status.problem !== null) output.problem(status.problem);
  if (status.state === 'blocked') output.note(howToGoOn(status.run));
  return runExitStatus(status);
}

/** The command that continues a blocked run. */
export function howToGoOn(run: string): string {
  return `${run} waits for you: temper resume ${run} continues it after the fix`;
}

/** Exit status of a command that answers with the result of a run. */
export function runExitStatus({ state }: RunStatus): ExitStatus {
  switch (state) {
    case 'running':
    case 'done':
      return EXIT.ok;
    case 'blocked':
      return EXIT.blocked;
    case 'failed':
    case 'cancelled':
    case 'terminated':
      return EXIT.failed;
    default:
      return assertNever(state);
  }
}

type Show = (before: RunStatus | null, after: RunStatus) => void;

function showEvents(output: Output): Show {
  return (_before, after) => output.event(after);
}

function showLive(output: Output): Show {
  const region = createLiveRegion(output);
  return (_before, after) => region.update(renderLive(after, output.paintNote, Date.now(), output.columns));
}

function showLines(output: Output): Show {
  let toldAt = 0;
  return (before, after) => {
    const now = Date.now();
    const news = renderNews(before, after);
    const progress = now - toldAt >= PROGRESS_EVERY_MS ? renderProgress(after) : null;
    const line = news ?? progress;
    if (line === null) return;
    if (news === null) toldAt = now;
    output.note(`${new Date(now).toISOString().slice(11, 19)} ${line}`);
  };
}
