import type { DataCheckReport, DataConvertReport, DataProblem } from '../../schemas/data.js';
import type { Paint } from '../output.js';
import { showBytes } from '../../domain/text/show-bytes.js';
import { showDuration } from './units.js';

/** What `temper data convert` shows. */
export function convertText(report: DataConvertReport, paint: Paint): string {
  const { output, rows, kept, textOnly, dropped, droppedBy, bytesWritten, elapsedMs } = report;
  return [
    `${output}: ${paint('green', `${kept} of ${rows} rows`)}, ${textOnly} without image, ${showBytes(bytesWritten)} in ${showDuration(elapsedMs)}`,
    ...(dropped === 0 ? [] : [`${paint('yellow', `${dropped} rows dropped`)}`]),
    ...droppedBy.flatMap((problem) => dataProblem(problem, paint)),
  ].join('\n');
}

/** What `temper data convert` shows when it keeps too few rows to write them. */
export function refusedText({ output, rows, kept, droppedBy }: DataConvertReport, paint: Paint): string {
  return [
    `${output}: ${paint('red', 'not written')}; ${kept} of ${rows} rows can be used`,
    ...droppedBy.flatMap((problem) => dataProblem(problem, paint)),
  ].join('\n');
}

/** What `temper data check` shows. */
export function checkText(report: DataCheckReport, paint: Paint): string {
  const { file, ok, rows, validRows, textOnly, distinctImages, estimatedTokens, problems, elapsedMs } = report;
  return [
    `${file}: ${ok ? paint('green', 'sound') : paint('red', 'not usable as it is')}`,
    `  ${validRows} of ${rows} rows valid, ${textOnly} without image, ${distinctImages} images, in ${showDuration(elapsedMs)}`,
    `  estimated tokens: ${Math.round(estimatedTokens.mean)} mean, ${Math.round(estimatedTokens.max)} most`,
    ...problems.flatMap((problem) => dataProblem(problem, paint)),
  ].join('\n');
}

function dataProblem({ id, severity, count, examples, why, fix }: DataProblem, paint: Paint): string[] {
  const label = severity === 'error' ? paint('red', 'error') : paint('yellow', 'warning');
  return [
    `${label} ${id}: ${count} found`,
    ...examples.map(({ row, where, what }) => `  ${row === null ? '' : `row ${row}, `}${where}: ${what}`),
    `  why: ${why}`,
    `  fix: ${fix}`,
  ];
}
