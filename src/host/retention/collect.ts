import { findSurplus, neededNow, type Surplus, type Survey } from '../../domain/retention.js';
import type { Collected, RetentionPolicy } from '../../schemas/retention.js';
import { fetchingRun } from '../../domain/surplus-downloads.js';
import { retainCheckpoints, surplusCheckpoints } from './checkpoints.js';
import { planDownloads, removeDownloads } from './downloads.js';
import { surveyWorkspace, type LookAtRuns } from './survey.js';
import { listTrash, moveToTrash, remove, removeGone, restore, type Trashed } from './trash.js';

/** What a collection removed, or would remove. */
export interface Collection {
  readonly totalBytes: number;
  readonly items: readonly Collected[];
  readonly kept: Surplus['kept'];
}

/** What retention would remove; changes nothing. */
export async function planCollection(
  workspace: string,
  policy: RetentionPolicy,
  look: LookAtRuns,
): Promise<Collection> {
  const survey = await surveyWorkspace(workspace, look);
  const surplus = findSurplus(survey, policy, Date.now());
  const left = (await listTrash(workspace)).map(({ origin, bytes }) => leftover(origin, bytes));
  const going = new Set(surplus.outputs.map(({ id }) => id));
  const ended = stayingEnded(survey, surplus);
  const checkpoints = await surplusCheckpoints(workspace, ended, policy.keepCheckpoints, going);
  const downloads = await planDownloads(workspace, survey, idsOf(surplus), policy);
  return {
    totalBytes: totalOf(survey) + downloads.totalBytes,
    items: [...itemsOf(survey, surplus), ...checkpoints, ...downloads.items, ...left],
    kept: [...surplus.kept, ...downloads.kept],
  };
}

/**
 * Removes what retention does not keep. Moves it into the trash first, receipts before the checkpoints that they name;
 * then looks again who needs what, moves back what was taken into use meanwhile, and removes the rest. A kill at any
 * point leaves whole folders, and the next call goes on.
 */
export async function collect(workspace: string, policy: RetentionPolicy, look: LookAtRuns): Promise<Collection> {
  const survey = await surveyWorkspace(workspace, look);
  const surplus = findSurplus(survey, policy, Date.now());
  const planned = itemsOf(survey, surplus);
  // Before anything goes: afterwards nobody can tell a file that an output has just given up from a new one.
  const downloads = await planDownloads(workspace, survey, idsOf(surplus), policy);
  const going = new Set(surplus.runs.map(({ name }) => name));
  const names = (id: string): boolean =>
    survey.outputs.some((one) => one.id === id && one.points.some((path) => going.has(path.split('/')[1] ?? '')));
  const outputs = idsOf(surplus);
  for (const id of outputs.filter(names)) await moveToTrash(workspace, `store/${id}`);
  for (const { name } of surplus.runs) await moveToTrash(workspace, `runs/${name}`);
  for (const id of outputs.filter((one) => !names(one))) await moveToTrash(workspace, `store/${id}`);

  const removedRuns = await emptyTrash(workspace, await surveyWorkspace(workspace, look), look, 'runs/');
  // A run that was moved back needs what its records name, so the outputs are judged after it.
  const now = await surveyWorkspace(workspace, look);
  const removed = [...removedRuns, ...(await emptyTrash(workspace, now, look, 'store/'))];
  const rest = await removeGone(workspace);
  const checkpoints = await retainCheckpoints(workspace, endedOf(now), policy.keepCheckpoints);
  const files = fetchingRun(now) === null ? await removeDownloads(workspace, downloads.items) : [];
  const items = removed.map(
    ({ origin, bytes }) => planned.find(({ name }) => name === origin) ?? leftover(origin, bytes),
  );
  return {
    totalBytes: totalOf(survey) + downloads.totalBytes,
    items: [...items, ...checkpoints, ...files, ...(rest === 0 ? [] : [leftover('.trash', rest)])],
    kept: [...surplus.kept, ...downloads.kept],
  };
}

/** Removes what of one kind lies in the trash, but moves back what is needed by now. */
async function emptyTrash(
  workspace: string,
  now: Survey,
  look: LookAtRuns,
  kind: 'runs/' | 'store/',
): Promise<Trashed[]> {
  const { runs, outputs } = neededNow(now);
  const trashed = (await listTrash(workspace)).filter(({ origin }) => origin.startsWith(kind));
  const nameOf = ({ origin }: Trashed): string => origin.slice(kind.length);
  const open = kind === 'runs/' ? await look(trashed.map((one) => ({ name: nameOf(one), touchedMs: 0 }))) : new Map();
  const removed: Trashed[] = [];
  for (const one of trashed) {
    const name = nameOf(one);
    const isNeeded = kind === 'store/' ? outputs.has(name) : runs.has(name) || (open.get(name) ?? null) !== null;
    if (isNeeded && (await restore(workspace, one))) continue;
    await remove(workspace, one);
    removed.push(one);
  }
  return removed;
}

function itemsOf(survey: Survey, { runs, outputs }: Surplus): Collected[] {
  return [
    ...runs.map(({ name, why }): Collected => {
      const bytes = survey.runs.find((run) => run.name === name)?.bytes ?? 0;
      return { kind: 'run', name: `runs/${name}`, bytes, why };
    }),
    ...outputs.map(({ id, why }): Collected => {
      const bytes = survey.outputs.find((output) => output.id === id)?.bytes ?? 0;
      return { kind: 'output', name: `store/${id}`, bytes, why };
    }),
  ];
}

function idsOf({ outputs }: Surplus): string[] {
  return outputs.map(({ id }) => id);
}

function endedOf({ runs }: Survey): string[] {
  return runs.filter(({ open }) => open === null).map(({ name }) => name);
}

function stayingEnded(survey: Survey, { runs }: Surplus): string[] {
  return endedOf(survey).filter((name) => !runs.some((run) => run.name === name));
}

function totalOf({ runs, outputs }: Survey): number {
  return [...runs, ...outputs].reduce((sum, { bytes }) => sum + bytes, 0);
}

function leftover(name: string, bytes: number): Collected {
  return { kind: 'leftover', name, bytes, why: 'an earlier removal was interrupted' };
}
