import type { CalendarSpecDescription, ScheduleDescription } from '@temporalio/client';
import { canonicalJson } from '../../domain/canonical.js';
import { isSameCron } from '../../domain/retrain/cron.js';
import type { RetrainInput, When } from '../../schemas/retrain.js';
import type { SettingChange } from '../../schemas/schedule.js';
import { optionsOf } from './options.js';

/** When a schedule starts runs by what the server has, which other tools may have changed since it was applied. */
export function serverWhen({ spec, policies }: ScheduleDescription, applied: When): When {
  const { overlap, catchupWindow, pauseOnFailure } = policies;
  const known = overlap === 'SKIP' || overlap === 'BUFFER_ONE' ? overlap : applied.overlap;
  return {
    ...timesOf(spec, applied),
    timezone: spec.timezone === undefined || spec.timezone === '' ? 'UTC' : spec.timezone,
    jitterMs: spec.jitter ?? 0,
    catchupMs: catchupWindow,
    overlap: known,
    pauseOnFailure,
  };
}

/** What the server has otherwise than a schedule applied with `before` makes it, where no setting of ours tells it. */
export function serverChanges(description: ScheduleDescription, before: RetrainInput): SettingChange[] {
  const { spec, policies, action, state } = description;
  const { action: ours } = optionsOf(before);
  const pairs: (readonly [field: string, has: unknown, want: unknown])[] = [
    // A policy that Temper knows is among the settings; any other is told here.
    ['schedule.overlap', policies.overlap, before.when.overlap],
    ['times left out', (spec.skip ?? []).map(showCalendar).join(' and '), null],
    ['first time', spec.startAt?.toISOString(), null],
    ['last time', spec.endAt?.toISOString(), null],
    ['runs that are left', state.remainingActions, null],
    ['workflow', action.workflowType, ours.workflowType],
    ['workflow id', action.workflowId, ours.workflowId],
    ['task queue', action.taskQueue, ours.taskQueue],
    ['memo', action.memo, ours.memo],
    ['summary', action.staticSummary, ours.staticSummary],
    ['details', action.staticDetails, null],
    ['retries of the workflow', action.retry, null],
    ['workflow execution timeout', action.workflowExecutionTimeout, null],
    ['workflow run timeout', action.workflowRunTimeout, null],
    ['workflow task timeout', action.workflowTaskTimeout, null],
  ];
  return pairs.flatMap(([field, has, want]) => {
    const [from, to] = [show(has), show(want)];
    return from === to ? [] : [{ field, from, to }];
  });
}

/** What was applied where the server still has it; else its own times as text in the place of the cron expression. */
function timesOf({ calendars = [], intervals = [] }: ScheduleDescription['spec'], applied: When) {
  const texts = [
    ...calendars.map(showCalendar),
    ...intervals.map(({ every, offset }) => `every ${every / 1_000} s${offset > 0 ? ` + ${offset / 1_000} s` : ''}`),
  ];
  const [interval] = intervals;
  // Without an offset the server names none.
  if (texts.length === 1 && interval !== undefined && !(interval.offset > 0))
    return { cron: null, everyMs: interval.every };
  const text = texts.join(' and ');
  const isApplied = applied.cron !== null && texts.length === 1 && isSameCron(applied.cron, text);
  return { cron: isApplied ? applied.cron : text === '' ? 'never' : text, everyMs: null };
}

/** A calendar as cron expression, with what such a one cannot tell behind it. */
function showCalendar({ second, minute, hour, dayOfMonth, month, dayOfWeek, year }: CalendarSpecDescription): string {
  const cron = [
    showRanges(minute, 0, 59),
    showRanges(hour, 0, 23),
    showRanges(dayOfMonth, 1, 31),
    showRanges(month, 'JANUARY', 'DECEMBER'),
    showRanges(dayOfWeek, 'SUNDAY', 'SATURDAY'),
  ].join(' ');
  const seconds = showRanges(second, 0, 59);
  return [
    cron,
    ...(seconds === '0' ? [] : [`at the seconds ${seconds}`]),
    ...(year.length === 0 ? [] : [`in the years ${showRanges(year, '', '')}`]),
  ].join(' ');
}

function showRanges(
  ranges: readonly { readonly start: number | string; readonly end: number | string; readonly step: number }[],
  low: number | string,
  high: number | string,
): string {
  const short = (value: number | string): string => String(value).slice(0, typeof value === 'string' ? 3 : undefined);
  return ranges
    .map(({ start, end, step }) => {
      const range =
        start === low && end === high ? '*' : start === end ? short(start) : `${short(start)}-${short(end)}`;
      return step === 1 || start === end ? range : `${range}/${step}`;
    })
    .join(',');
}

/** An answer of the server may hold what is not set as nothing, zero or an empty text. */
function show(value: unknown): string | null {
  if (value === undefined || value === null || value === 0) return null;
  if (typeof value === 'string') return value === '' ? null : value;
  return canonicalJson(value);
}
