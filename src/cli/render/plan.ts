import { quote } from '../../domain/text/shell-quote.js';
import type { PlanReport, StageReport } from '../../schemas/host-call.js';
import { formatProblem } from '../../domain/errors.js';
import { someNames } from '../../domain/text/some-names.js';
import type { Paint } from '../output.js';
import { renderEconomy } from './economy.js';
import { acceptedLines } from './frame.js';
import { table } from './table.js';
import { showBytes } from '../../domain/text/show-bytes.js';

/**
 * What `temper plan` shows: the commands, what would stop the run, and last the stages with their needs beside what is
 * there and what will be reused. Commands are shortened unless all of them are wanted.
 */
export function renderPlan(report: PlanReport, paint: Paint, isWhole = false): string {
  const { run, recipe, workspace, host, problems, warnings, accepted = [] } = report;
  return [
    `${paint('bold', run)}  recipe ${recipe}`,
    `workspace ${workspace}`,
    ...fleetLines(report, paint),
    ...commandLines(report, isWhole),
    ...costOfCheckpoints(report),
    // Missing hosts are told by the lines of the fleet.
    ...warnings
      .filter(({ code }) => code !== 'NoHosts')
      .map((warning) => `${paint('yellow', 'warning:')} ${formatProblem(warning)}`),
    ...acceptedLines(accepted, paint),
    ...problems.map((problem) => `${paint('red', 'problem:')} ${formatProblem(problem)}`),
    '',
    stageTable(report, paint),
    ...(host === null ? ['no host was asked: free disk, memory and finished outputs are not known'] : []),
  ].join('\n');
}

/** Names of hosts that are shown; of a hundred the number is what counts. */
const SHOWN_HOSTS = 8;

function fleetLines({ fleet }: PlanReport, paint: Paint): string[] {
  if (fleet === undefined) return [];
  const { name, hosts, spares, ready, setAside } = fleet;
  const names = ready.length === 0 ? '' : `: ${someNames(ready, SHOWN_HOSTS)}`;
  const wanted = `${hosts}${spares === 0 ? '' : ` and ${spares} spare`}`;
  const aside = someNames(
    setAside.map(({ host, reason }) => `${host} (${reason})`),
    SHOWN_HOSTS,
  );
  return [
    paint(ready.length < hosts ? 'yellow' : 'dim', `fleet ${name}: ${ready.length} ready, ${wanted} wanted${names}`),
    ...(setAside.length === 0 ? [] : [`  set aside: ${aside}`]),
    ...(ready.length < hosts
      ? [`  a run waits for ${hosts - ready.length} more, and parks when they do not come`]
      : []),
  ];
}

function stageTable({ host, stages }: PlanReport, paint: Paint): string {
  const rows = stages.map((stage) => {
    const need = (bytes: number, free: number | undefined): string =>
      stage.willReuse || free === undefined || bytes <= free
        ? needText(bytes)
        : paint('red', `${showBytes(bytes)} > ${showBytes(free)} free`);
    return [
      stage.name,
      stage.title,
      placeText(stage),
      need(stage.diskBytes, host?.diskFreeBytes),
      need(stage.ramBytes, host?.ramAvailableBytes),
      host === null ? '' : fate(stage, paint),
    ];
  });
  const there =
    host === null
      ? []
      : [
          [
            '',
            `free, as ${host.name} sees it`,
            '',
            showBytes(host.diskFreeBytes),
            showBytes(host.ramAvailableBytes),
            '',
          ],
        ];
  return table(['STAGE', 'WHAT', 'WHERE', 'DISK', 'MEMORY', ''], [...rows, ...there]);
}

function commandLines({ stages }: PlanReport, isWhole: boolean): string[] {
  const shown = stages.filter(({ commands, willReuse }) => commands.length > 0 && (isWhole || !willReuse));
  const lines = shown.flatMap((stage) => [
    '',
    `${stage.name} runs`,
    ...(isWhole ? stage.commands.map(commandLine) : shortened(stage)).map((line) => `  ${line}`),
  ]);
  return shown.length === 0 || isWhole ? lines : [...lines, '', '--commands shows all commands, word by word'];
}

function commandLine(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}

/** Of the commands of a gang one, and what the others have instead; of a script in an argument its length. */
function shortened({ placement, commands }: StageReport): string[] {
  const [first = [], ...others] = commands;
  const flags = placement === 'gang' ? differingFlags(first, others) : null;
  const lines = (flags === null ? commands : [first]).map((argv) => argv.map(shortWord).join(' '));
  if (flags === null || others.length === 0) return lines;
  const nodes = others.length === 1 ? 'node 1' : `nodes 1 to ${others.length}`;
  return [...lines, `${nodes}: the same${flags.length === 0 ? '' : ` but for ${flags.join(', ')}`}`];
}

function shortWord(word: string): string {
  const lines = word.trim().split('\n').length;
  return lines === 1 ? quote(word) : `(script of ${lines} lines)`;
}

/** The flags whose values differ between commands; null where anything else does. */
function differingFlags(first: readonly string[], others: readonly (readonly string[])[]): string[] | null {
  const flags = new Set<string>();
  for (const other of others) {
    if (other.length !== first.length) return null;
    for (const [index, word] of first.entries()) {
      if (word === other[index]) continue;
      const flag = first[index - 1];
      if (flag === undefined || !flag.startsWith('--') || flag !== other[index - 1]) return null;
      flags.add(flag);
    }
  }
  return [...flags];
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
