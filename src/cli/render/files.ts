import type { CheckpointReport } from '../../schemas/checkpoint.js';
import type { FileProblem, ModelComparison } from '../../schemas/model-files.js';
import type { Paint } from '../output.js';
import { plain } from './plain.js';
import { showBytes } from '../../domain/text/show-bytes.js';

/** What `temper checkpoint verify` shows. */
export function checkpointText(dir: string, report: CheckpointReport, paint: Paint): string {
  const { complete, iteration, worldSize, tensors, bytes, hasOptimizer, problems, warnings } = report;
  const name = iteration === null ? 'no training iteration' : `iteration ${iteration}`;
  return [
    `${dir}: ${complete ? paint('green', 'complete') : paint('red', 'not usable')}`,
    `  ${name}, ${tensors} tensors, ${showBytes(bytes)}, saved by ${worldSize} ranks, ${hasOptimizer ? 'with' : 'without'} optimizer`,
    ...(complete && report.content ? [`  checked: names, sizes, structure${contentText(report.content)}`] : []),
    ...problems.map((problem) => fileProblem(paint('red', 'problem'), problem)),
    ...warnings.map((warning) => fileProblem(paint('yellow', 'warning'), warning)),
  ].join('\n');
}

/** What was proven about the content of the shards, and what was not. */
function contentText({ isSealed, isRead, records, unsummed }: NonNullable<CheckpointReport['content']>): string {
  const sealed = isSealed ? '; start, middle and end of each shard, which are as they were proven' : '';
  if (!isRead) return `${sealed}. Not the values${isSealed ? ' between them' : ''} (--deep reads all)`;
  const without = unsummed === 0 ? '' : `. ${unsummed} records were saved without one: their values are not proven`;
  return `${sealed}; ${records} stored records, which have the checksums that they were saved with${without}`;
}

/** What `temper export verify` shows. */
export function comparisonText(dir: string, report: ModelComparison, paint: Paint): string {
  const { ok, dtype, isDeep, tensors, bytes, problems } = report;
  return [
    `${dir}: ${ok ? paint('green', `a sound ${dtype} export`) : paint('red', 'not what was asked for')}`,
    `  ${tensors} tensors, ${showBytes(bytes)}, ${isDeep ? 'values compared too' : 'headers compared (--deep compares values)'}`,
    ...problems.map((problem) => fileProblem(paint('red', 'problem'), problem)),
  ].join('\n');
}

function fileProblem(label: string, { id, where, what, why, fix }: FileProblem): string {
  return `${label} ${id} in ${plain(where)}\n  ${plain(what)}\n  why: ${why}\n  fix: ${fix}`;
}
