import type { CollectReport } from '../../schemas/retention.js';
import type { Paint } from '../output.js';
import { table } from './table.js';
import { showBytes } from '../../domain/text/show-bytes.js';

const SHOWN = 30;

/** What `temper gc` shows. */
export function renderCollected(reports: readonly CollectReport[], paint: Paint): string {
  if (reports.length === 0) return 'no workspace is known: no schedule and no run names one; give --workspace';
  return reports.map((report) => renderOne(report, paint)).join('\n\n');
}

function renderOne(
  { workspace, isDryRun, items, count, freedBytes, totalBytes, kept }: CollectReport,
  paint: Paint,
): string {
  const rows = items.slice(0, SHOWN).map(({ kind, name, bytes, why }) => [kind, name, showBytes(bytes), why]);
  const verb = isDryRun ? 'would free' : 'freed';
  return [
    `${paint('bold', workspace)}: ${count === 0 ? 'nothing to remove' : `${verb} ${showBytes(freedBytes)}`} of ${showBytes(totalBytes)}`,
    ...(rows.length === 0 ? [] : [table(['KIND', 'NAME', 'SIZE', 'WHY'], rows)]),
    ...(count > SHOWN ? [`and ${count - SHOWN} smaller ones`] : []),
    ...kept.map(({ run, why }) => paint('dim', `run ${run} stays: ${why}`)),
  ].join('\n');
}
