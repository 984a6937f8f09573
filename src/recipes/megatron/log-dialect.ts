import type { IterationReading, LogDialect, LogEvent } from '../log-dialect.js';
import { parseFrozen } from './frozen-modules.js';
import { parseIterationLines, type IterationLine } from './iteration-line.js';
import { findMilestone, parseSaved, type Milestone } from './milestones.js';
import { findSuspicion } from './suspicions.js';
import { LOAD_IDS, parseToldKeys } from './told-keys.js';

/**
 * The log of a Megatron-style training. Lines may be glued, split, full of carriage returns or a megabyte long; what
 * cannot be read for sure is not reported, so half a line never looks like a NaN.
 */
export const megatronLog: LogDialect = { read: readLogLine, mustTell: LOAD_IDS };

/** What one line means. A line with several meanings tells the gravest, and every iteration that it holds whole. */
function readLogLine(line: string): readonly LogEvent[] {
  const suspicion = findSuspicion(line);
  if (suspicion?.severity === 'fatal') return [{ kind: 'fatal', id: suspicion.id, text: suspicion.text }];
  const iterations = parseIterationLines(line).filter(({ isWhole }) => isWhole);
  if (iterations.length > 0) return iterations.map((one) => ({ kind: 'iteration', ...toReading(one) }));
  const told = parseToldKeys(line).map((id) => ({ kind: 'told' as const, id }));
  const event = readStep(line);
  return event === null ? told : [...told, event];
}

/** What the training does at this line, other than an iteration. */
function readStep(line: string): LogEvent | null {
  const saved = parseSaved(line);
  if (saved !== null) return { kind: 'saved', iteration: saved.iteration };
  const modules = parseFrozen(line);
  if (modules !== null) return { kind: 'frozen', modules };
  const milestone = findMilestone(line);
  if (milestone === null) return null;
  if (milestone.phase === 'done') return { kind: 'ended' };
  const rows = rowsMark(milestone, line);
  return { kind: 'phase', phase: milestone.phase, text: milestone.text, ...(rows === null ? {} : { rows }) };
}

const ROWS_MARKS: ReadonlyMap<string, 'begin' | 'end'> = new Map([
  ['model-ready', 'begin'],
  ['data-ready', 'end'],
]);

/** The time that stands in the two lines around the preparation of the rows. */
function rowsMark({ id }: Milestone, line: string): { mark: 'begin' | 'end'; at: number } | null {
  const mark = ROWS_MARKS.get(id);
  const time = /\] datetime: (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/.exec(line);
  // The zone is not told; only the time between two lines of one host counts.
  return mark === undefined || time === null ? null : { mark, at: Date.parse(`${time[1]}T${time[2]}Z`) };
}

/** JSON has neither NaN nor infinity, so a reading says null for both. */
function toReading(line: IterationLine): IterationReading {
  return {
    iteration: line.iteration,
    of: line.of,
    loss: toFinite(line.loss),
    ...(line.isSkipped === true ? { isSkipped: true } : {}),
    learningRate: toFinite(line.learningRate),
    gradNorm: toFinite(line.gradNorm),
    elapsedMs: toFinite(line.elapsedMs),
    consumedSamples: toFinite(line.consumedSamples),
    globalBatchSize: toFinite(line.globalBatchSize),
    tokensPerSample: toFinite(line.tokensPerSample),
  };
}

function toFinite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
