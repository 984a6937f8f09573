import type { PromotedModel } from '../../schemas/models.js';
import type { Metrics } from '../../schemas/retrain.js';
import type { Paint } from '../output.js';
import { table } from './table.js';
import { showAgo, showNumber } from './units.js';

/** What `temper models ls` shows. */
export function renderModels(models: readonly PromotedModel[], paint: Paint, nowMs: number): string {
  if (models.length === 0) return 'no models were promoted yet; a schedule does it, or temper models promote';
  const rows = models.map(({ model, current, versions, history: [last], path }) => {
    const version = versions.find((one) => one.version === current);
    return [
      paint('bold', model),
      current === null ? '-' : String(current),
      version?.run ?? '-',
      showMetrics(version?.metrics ?? null),
      last === undefined ? '-' : showAgo(last.at, nowMs),
      path,
    ];
  });
  return table(['MODEL', 'CURRENT', 'RUN', 'MEASURED', 'SINCE', 'PATH'], rows);
}

/** What `temper models show` shows. */
export function renderModel(
  { model, current, path, versions, history }: PromotedModel,
  paint: Paint,
  nowMs: number,
): string {
  const rows = versions.map((one) => [
    one.version === current ? paint('green', `${one.version} current`) : String(one.version),
    one.run,
    one.startedFrom === null ? 'base' : `model ${one.startedFrom}`,
    showMetrics(one.metrics),
    showAgo(one.at, nowMs),
  ]);
  const changes = history.map((change) => [
    showAgo(change.at, nowMs),
    change.action,
    `${change.from ?? '-'} -> ${change.to}`,
    change.by,
    change.why,
  ]);
  return [
    `${paint('bold', model)}  ${path}`,
    table(['VERSION', 'RUN', 'STARTED FROM', 'MEASURED', 'PROMOTED'], rows),
    '',
    table(['WHEN', 'WHAT', 'MODEL', 'BY', 'WHY'], changes),
  ].join('\n');
}

function showMetrics(metrics: Metrics | null): string {
  if (metrics === null) return '-';
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${showNumber(value)}`)
    .join(', ');
}
