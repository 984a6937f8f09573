import type { PipelineResult, RunStatus, StageStatus } from '../../schemas/run.js';
import type { Paint } from '../output.js';
import { oneLine } from './plain.js';
import { table } from './table.js';
import { showDuration, showNumber, showShare } from './units.js';

type Fact = string | number | boolean | null | undefined;
/** At most this many held-out questions are shown with their answers. */
const MAX_SAMPLES = 5;

/** The final report of a finished run: model, loss, answers before and after, time per stage. */
export function renderReport(status: RunStatus, paint: Paint): string {
  const { run, result, startedAt, closedAt } = status;
  const took = closedAt === null ? '' : ` in ${showDuration(Date.parse(closedAt) - Date.parse(startedAt))}`;
  const title = `${paint('bold', run)} ${paint('green', 'done')}${took}`;
  if (result === null) return title;
  return [title, '', renderResult(result), '', stageTimes(result)].join('\n');
}

/** What came out of a run: model, loss, answers before and after. */
export function renderResult(result: PipelineResult): string {
  return [...modelLines(result), ...lossLines(result), ...answerLines(result)].join('\n');
}

function modelLines({ exportDir }: PipelineResult): string[] {
  return [`model    ${exportDir ?? 'none: the run stopped before the export'}`];
}

function lossLines({ facts }: PipelineResult): string[] {
  const first = facts['train']?.['firstLoss'];
  const last = facts['train']?.['lastLoss'];
  if (typeof first !== 'number' || typeof last !== 'number') return [];
  return [`loss     ${showNumber(first)} first, ${showNumber(last)} last`];
}

function answerLines({ facts }: PipelineResult): string[] {
  const verify = facts['verify'] ?? {};
  const before = verify['accuracyBefore'];
  const after = verify['accuracyAfter'];
  const shares =
    typeof before === 'number' && typeof after === 'number'
      ? [`answers  ${showShare(before)} right before, ${showShare(after)} right after (held-out images)`]
      : [];
  const samples = Array.from({ length: MAX_SAMPLES }, (_, index) => sampleRow(verify, index + 1)).filter(
    (row) => row !== null,
  );
  if (samples.length === 0) return shares;
  return [...shares, '', table(['QUESTION', 'EXPECTED', 'BEFORE', 'AFTER'], samples)];
}

function sampleRow(facts: Readonly<Record<string, Fact>>, index: number): string[] | null {
  const question = facts[`sample${index}Question`];
  if (question === undefined) return null;
  return [question, ...['Expected', 'Before', 'After'].map((part) => facts[`sample${index}${part}`])].map((fact) =>
    shown(fact),
  );
}

/** Answers of an untrained model are noise: cut, and without the control characters it may hold. */
function shown(fact: Fact): string {
  const text = oneLine(String(fact ?? '-'));
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

function stageTimes({ stages }: PipelineResult): string {
  const rows = stages.map((stage) => [
    stage.name,
    stage.durationMs === undefined ? '-' : showDuration(stage.durationMs),
    stage.state,
    placeOf(stage) || '-',
  ]);
  return table(['STAGE', 'TIME', 'STATE', 'HOST'], rows);
}

/** Host of a stage, or how many they are; nothing when it is not known. */
export function placeOf({ host, hosts = 1 }: StageStatus): string {
  return hosts > 1 ? `${hosts} hosts` : (host ?? '');
}
