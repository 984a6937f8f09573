import type { Progress, RunState, RunStatus, StageState, StageStatus } from '../../schemas/run.js';
import type { Paint, Style } from '../output.js';
import { problemFrame } from './frame.js';
import { oneLine } from './plain.js';
import { placeOf } from './report.js';
import { table } from './table.js';
import { incidentNews, trainingLines } from './training.js';
import { showAgo, showDuration, showNumber } from './units.js';

const RUN_STYLES: Readonly<Record<RunState, Style>> = {
  running: 'cyan',
  blocked: 'yellow',
  done: 'green',
  failed: 'red',
  cancelled: 'yellow',
  terminated: 'red',
};
const STAGE_STYLES: Readonly<Record<StageState, Style>> = {
  pending: 'dim',
  waiting: 'yellow',
  running: 'cyan',
  done: 'green',
  reused: 'green',
  failed: 'red',
  cancelled: 'yellow',
  skipped: 'dim',
};

/** What `temper status RUN` shows, `nowMs` being now. */
export function renderStatus(status: RunStatus, paint: Paint, nowMs: number): string {
  const { run, state, problem, checkpoint, startedAt, closedAt } = status;
  const span =
    closedAt === null
      ? `started ${showAgo(startedAt, nowMs)}`
      : `took ${showDuration(Date.parse(closedAt) - Date.parse(startedAt))}`;
  return [
    `${paint('bold', run)}  ${paint(RUN_STYLES[state], state)}  ${span}`,
    `workflow ${status.workflowId}${status.fleet === null ? '' : `, fleet ${status.fleet}`}`,
    ...(status.stages.length === 0 ? [] : ['', stageTable(status, paint, nowMs)]),
    ...waitingLines(status).flatMap((line) => ['', paint('yellow', line)]),
    ...(checkpoint === null ? [] : ['', `newest proven checkpoint: ${checkpoint}`]),
    ...trainingLines(status, paint, nowMs),
    ...(problem === null ? [] : ['', problemFrame(problem, [], paint)]),
  ].join('\n');
}

/** What `temper ls` shows. */
export function renderRuns(runs: readonly RunStatus[], paint: Paint, nowMs: number): string {
  if (runs.length === 0) return 'no runs; temper start FILE starts one';
  const rows = runs.map((status) => [
    status.run,
    paint(RUN_STYLES[status.state], status.state),
    status.stage ?? '-',
    howFar(status.stages),
    showAgo(status.startedAt, nowMs),
    cut(oneLine(status.problem?.what ?? waitingLines(status).join('; ')), 60),
  ]);
  return table(['RUN', 'STATE', 'STAGE', 'DONE', 'STARTED', 'REASON'], rows);
}

/** Lines of a live view: one per stage, the running ones with their progress, each cut to the width. */
export function renderLive(status: RunStatus, paint: Paint, nowMs: number, columns: number): string[] {
  const stages = status.stages.map((stage) => {
    const name = `  ${stage.state.padEnd(9)} ${stage.name.padEnd(11)}`;
    const rest = [stageTime(stage, nowMs), showHosts(progressOf(status, stage))]
      .filter((text) => text !== '')
      .join('  ');
    // Cut before painting: colour codes have no width.
    return paint(STAGE_STYLES[stage.state], name) + cut(` ${rest}`, Math.max(10, columns - name.length - 1));
  });
  const notes = [...waitingLines(status), ...problemNews(null, status)];
  return [...stages, ...notes.map((note) => paint('yellow', cut(`  ${note}`, columns - 1)))];
}

/** What people wait for and what changed between two looks at a run, in one line; null when nothing did. */
export function renderNews(before: RunStatus | null, after: RunStatus): string | null {
  const news = after.stages.flatMap((stage) => {
    const old = before?.stages.find(({ name }) => name === stage.name)?.state ?? 'pending';
    if (old === stage.state || stage.state === 'pending') return [];
    const time = stage.durationMs === undefined ? '' : ` (${showDuration(stage.durationMs)})`;
    const place = placeOf(stage);
    return [`${stage.name} ${stage.state}${place === '' ? '' : ` on ${place}`}${time}`];
  });
  if (before?.state !== after.state && after.state !== 'running') news.push(`run ${after.state}`);
  news.push(...incidentNews(before, after), ...problemNews(before, after));
  // A first look always tells something: who watches wants to know that it does.
  if (before === null && news.length === 0) news.push(...waitingLines(after));
  if (before === null && news.length === 0) news.push('running; no stage has begun yet');
  return news.length === 0 ? null : news.join(', ');
}

/** What keeps a running run from going on, when that is new; of one that stopped, its outcome tells it. */
function problemNews(before: RunStatus | null, { state, problem }: RunStatus): string[] {
  if (state !== 'running' || problem === null || before?.problem?.what === problem.what) return [];
  return [`${oneLine(problem.what)}; fix: ${problem.fix}`];
}

/** What a run waits for that is no host's work, such as hosts for its fleet. */
function waitingLines({ progress }: RunStatus): string[] {
  return progress.filter(({ host }) => host === '').map(showWait);
}

function showWait({ stage, phase, text }: Progress): string {
  return `${stage}: ${oneLine(text ?? phase)}`;
}

/** What runs now, in one line; null when nothing is known. */
export function renderProgress({ progress }: RunStatus): string | null {
  if (progress.length === 0) return null;
  if (progress.length <= MOST_HOSTS) {
    const told = progress.map((one) =>
      one.host === '' ? showWait(one) : `${one.stage} on ${one.host}: ${showProgress(one)}`,
    );
    return told.join('; ');
  }
  const stages = [...new Set(progress.map(({ stage }) => stage))];
  return stages.map((name) => `${name}: ${showHosts(progress.filter(({ stage }) => stage === name))}`).join('; ');
}

/** Hosts that are told one by one; of more, those that do the same are counted. */
const MOST_HOSTS = 4;

/** Progress of the hosts of one stage, in one line. */
function showHosts(progress: readonly Progress[]): string {
  if (progress.length <= MOST_HOSTS) return progress.map(showProgress).join('; ');
  // What the training has come to is told by one of them, and is what people look for.
  const telling = progress.toSorted((a, b) => Number(b.iteration !== undefined) - Number(a.iteration !== undefined));
  const counts = new Map<string, number>();
  // The step names the node, so with it no two would be equal.
  for (const { step: _, ...one } of telling) {
    const text = showProgress(one);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const groups = [...counts].map(([text, count]) => (count === 1 ? text : `${count} hosts ${text}`));
  const more = groups.length - MOST_HOSTS;
  return [...groups.slice(0, MOST_HOSTS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Progress of one host in words: phase, iteration, loss, or the newest line of its command. */
export function showProgress(progress: Progress): string {
  const { phase, step, text, done, total, iteration, of, loss, checkpoint, tokensPerSecond, remainingMs } = progress;
  const counted = iteration === undefined && done !== undefined && total !== undefined;
  const steps = iteration === undefined ? '' : `${iteration}${of === undefined ? '' : `/${of}`}`;
  const parts = [
    step === undefined || step === phase ? phase : `${step} ${phase}`,
    steps,
    counted ? `${done}/${total}` : '',
    loss === undefined ? '' : `loss ${loss === null ? 'NaN' : showNumber(loss)}`,
    checkpoint === undefined || checkpoint === null ? '' : `checkpoint ${checkpoint}`,
    tokensPerSecond === undefined ? '' : `${showNumber(tokensPerSecond)} tokens/s`,
    remainingMs === undefined || remainingMs === 0 ? '' : `${showDuration(remainingMs)} left`,
    iteration === undefined && text !== undefined ? oneLine(text) : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Stages that are done, of those that the run goes through. */
function howFar(stages: readonly StageStatus[]): string {
  const chosen = stages.filter(({ state }) => state !== 'skipped');
  const done = chosen.filter(({ state }) => state === 'done' || state === 'reused');
  return `${done.length}/${chosen.length}`;
}

function stageTable(status: RunStatus, paint: Paint, nowMs: number): string {
  const rows = status.stages.map((stage) => [
    stage.name,
    paint(STAGE_STYLES[stage.state], stage.state),
    placeOf(stage) || '-',
    stageTime(stage, nowMs) || '-',
    showHosts(progressOf(status, stage)),
  ]);
  return table(['STAGE', 'STATE', 'HOST', 'TIME', 'PROGRESS'], rows);
}

function progressOf(status: RunStatus, stage: StageStatus): Progress[] {
  return stage.state === 'running' ? status.progress.filter((progress) => progress.stage === stage.name) : [];
}

function stageTime({ state, durationMs, startedAt }: StageStatus, nowMs: number): string {
  if (durationMs !== undefined) return showDuration(durationMs);
  return state === 'running' && startedAt !== undefined ? showDuration(nowMs - Date.parse(startedAt)) : '';
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 3)}...`;
}
