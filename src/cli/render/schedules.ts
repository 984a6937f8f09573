import type {
  ScheduleApplied,
  ScheduleList,
  ScheduleReport,
  ScheduleRun,
  SettingChange,
} from '../../schemas/schedule.js';
import type { Paint, Style } from '../output.js';
import { table } from './table.js';
import { showAgo, showDuration } from './units.js';

const RUN_STYLES: Readonly<Record<ScheduleRun['state'], Style>> = {
  running: 'cyan',
  approval: 'yellow',
  promoted: 'green',
  skipped: 'dim',
  refused: 'yellow',
  failed: 'red',
  cancelled: 'yellow',
  terminated: 'red',
  forgotten: 'dim',
};

/** What `temper schedule apply` shows. */
export function renderApplied({ name, action, isDryRun, changes, running }: ScheduleApplied, paint: Paint): string {
  const verb =
    isDryRun && action !== 'unchanged'
      ? `would be ${action}`
      : action === 'unchanged'
        ? 'is unchanged'
        : `is ${action}`;
  const note = `another retrain of the model runs: ${running ?? ''}; until it has ended, runs of ${name} are skipped`;
  return [
    `schedule ${paint('bold', name)} ${verb}`,
    ...changes.map((change) => renderChange(change, paint)),
    ...((running ?? null) === null ? [] : [paint('yellow', note)]),
  ].join('\n');
}

function renderChange({ field, from, to }: SettingChange, paint: Paint): string {
  if (from === null) return paint('green', `+ ${field}: ${to ?? ''}`);
  if (to === null) return paint('red', `- ${field}: ${from}`);
  return `~ ${field}: ${paint('red', from)} -> ${paint('green', to)}`;
}

/** What `temper schedule ls` shows, `nowMs` being now. */
export function renderSchedules({ schedules }: ScheduleList, paint: Paint, nowMs: number): string {
  if (schedules.length === 0) return 'no schedules; temper schedule apply FILE makes one';
  const rows = schedules.map(({ name, model, isPaused, when, timezone, nextTimes: [next], runs: [last] }) => [
    paint('bold', name),
    model,
    isPaused ? paint('yellow', 'paused') : paint('green', 'active'),
    `${when} ${timezone}`,
    isPaused || next === undefined ? '-' : next.local,
    last === undefined ? '-' : `${paint(RUN_STYLES[last.state], last.state)} ${showAgo(last.at, nowMs)}`,
  ]);
  return table(['SCHEDULE', 'MODEL', 'STATE', 'WHEN', 'NEXT', 'LAST'], rows);
}

/** What `temper schedule describe` shows, `nowMs` being now. */
export function renderSchedule(report: ScheduleReport, paint: Paint, nowMs: number): string {
  const { name, isPaused, note, nextTimes, timezone, runs, lastSkip } = report;
  const state = isPaused ? paint('yellow', 'paused') : paint('green', 'active');
  const approval = report.approvalMs === null ? '' : `, then an approval within ${showDuration(report.approvalMs)}`;
  const counted = [
    `${report.taken} started`,
    ...(report.skippedByOverlap === 0 ? [] : [`${report.skippedByOverlap} left out because a run was under way`]),
    ...(report.missed === 0 ? [] : [`${report.missed} missed for longer than ${showDuration(report.catchupMs)}`]),
  ];
  return [
    `${paint('bold', name)}  ${state}${note === null || note === '' ? '' : `  ${note}`}`,
    `model ${report.model}, workspace ${report.workspace}, fleet ${report.fleet}`,
    `when: ${report.when} (${timezone}), overlap ${report.overlap}, catch-up ${showDuration(report.catchupMs)}`,
    `starts from ${report.startFrom === 'base' ? "the spec's weights" : 'the promoted model'}; gate: ${report.gate.join(' and ')}${approval}; keeps ${report.keep}`,
    '',
    isPaused ? 'next times, once it is unpaused:' : 'next times:',
    ...nextTimes.map(({ local, at }) => `  ${local} ${timezone}${timezone === 'UTC' ? '' : `  (${at})`}`),
    '',
    `runs: ${counted.join(', ')}`,
    ...(runs.length === 0 ? [] : [runTable(runs, paint, nowMs)]),
    ...(lastSkip === null ? [] : ['', `why the last one that changed nothing did so: ${lastSkip}`]),
  ].join('\n');
}

function runTable(runs: readonly ScheduleRun[], paint: Paint, nowMs: number): string {
  const rows = runs.map(({ at, state, run, reason, phase }) => [
    showAgo(at, nowMs),
    paint(RUN_STYLES[state], state),
    run ?? '-',
    state === 'running' || state === 'approval' ? (phase ?? '') : (reason ?? ''),
  ]);
  return table(['STARTED', 'STATE', 'RUN', 'WHY'], rows);
}
