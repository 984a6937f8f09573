import { quote } from '../../domain/shell-quote.js';
import type { PlanReport, StageReport } from '../../schemas/host-call.js';
import { formatProblem } from '../../domain/errors.js';
import type { Paint } from '../output.js';
import { renderEconomy } from './economy.js';
import { table } from './table.js';
import { showBytes } from '../../domain/show-bytes.js';

/** What `temper plan` shows: stages with needs and what will be reused, the commands, and what would stop the run. */
export function renderPlan(report: PlanReport, paint: Paint): string {
  const { run, recipe, workspace, host, stages, problems, warnings } = report;
  const rows = stages.map((stage) => [
    stage.name,
    stage.title,
    placeText(stage),
    needText(stage.diskBytes),
    needText(stage.ramBytes),
    host === null ? '' : fate(stage, paint),
  ]);
  return [
    `${paint('bold', run)}  recipe ${recipe}`,
    `workspace ${workspace}`,
    host === null
      ? 'no host was asked: free disk, memory and finished outputs are not known'
      : `${host.name} sees ${showBytes(host.diskFreeBytes)} free disk in the workspace, ${showBytes(host.ramAvailableBytes)} free memory`,
    '',
    table(['STAGE', 'WHAT', 'WHERE', 'DISK', 'MEMORY', ''], rows),
    ...stages
      .filter(({ commands }) => commands.length > 0)
      .flatMap((stage) => [
        '',
        `${stage.name} runs`,
        ...stage.commands.map((argv) => `  ${argv.map(quote).join(' ')}`),
      ]),
    ...costOfCheckpoints(report),
    ...warnings.map((warning) => `${paint('yellow', 'warning:')} ${formatProblem(warning)}`),
    ...problems.map((problem) => `${paint('red', 'problem:')} ${formatProblem(problem)}`),
  ].join('\n');
}

function costOfCheckpoints({ checkpoint, host, warnings }: PlanReport): string[] {
  if (checkpoint !== undefined) return ['', ...renderEconomy(checkpoint)];
  if (host === null) return ['', 'what checkpoints cost is not known: no host measured the workspace'];
  // It says so itself.
  if (warnings.some(({ code }) => code === 'WorkspaceUnusable')) return [];
  return ['', 'what checkpoints cost is not known until the weights are converted, which tell their size'];
}

function placeText({ placement, hosts }: StageReport): string {
  switch (placement) {
    case 'everyHost':
      return 'every host';
    case 'anyHost':
      return 'any host';
    case 'oneHost':
      return 'one leased host';
    case 'gang':
      return `${hosts} hosts together`;
    default:
      return placement;
  }
}

function needText(bytes: number): string {
  return bytes === 0 ? '-' : showBytes(bytes);
}

function fate({ willReuse, key }: StageReport, paint: Paint): string {
  if (willReuse) return paint('green', 'reused');
  return key === null ? 'after its inputs' : 'will run';
}
