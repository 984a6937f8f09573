import { findSurplus, neededNow, totalBytes, type Surplus, type Survey } from '../../domain/retention.js';
import { bytesFreed, sum } from '../../domain/text/sizes.js';
import { fetchingRun } from '../../domain/surplus-downloads.js';
import type { CollectCall, Collected, RetentionPolicy } from '../../schemas/retention.js';
import { retainCheckpoints, surplusCheckpoints } from './checkpoints.js';
import { DOWNLOADS, removeDownloads } from './downloads.js';
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
  schedules: CollectCall['schedules'] = [],
): Promise<Collection> {
  const survey = await surveyWorkspace(workspace, look, schedules);
  const surplus = await findIn(workspace, survey, policy);
  const left = (await listTrash(workspace)).map(({ origin, bytes }) => leftover(origin, bytes));
  const going = new Set(surplus.outputs.map(({ id }) => id));
  const ended = stayingEnded(survey, surplus);
  const checkpoints = await surplusCheckpoints(workspace, ended, policy, going);
  return {
    totalBytes: totalBytes(survey),
    items: [...itemsOf(survey, surplus), ...checkpoints, ...left],
    kept: surplus.kept,
  };
}

/**
 * Removes what retention does not keep. Moves it into the trash first, receipts before the checkpoints that they name;
 * then looks again who needs what, moves back what was taken into use meanwhile, and removes the rest. A kill at any
 * point leaves whole folders, and the next call goes on.
 */
export async function collect(
  workspace: string,
  policy: RetentionPolicy,
  look: LookAtRuns,
  schedules: CollectCall['schedules'] = [],
): Promise<Collection> {
  const surveyNow = (): Promise<Survey> => surveyWorkspace(workspace, look, schedules);
  // Downloads are chosen here too: afterwards nobody can tell a file that an output has just given up from a new one.
  const survey = await surveyNow();
  const surplus = await findIn(workspace, survey, policy);
  const going = new Set(surplus.runs.map(({ name }) => name));
  const ofGoing = (path: string): boolean => path.startsWith('runs/') && going.has(path.split('/')[1] ?? '');
  const names = (id: string): boolean => survey.outputs.some((one) => one.id === id && one.points.some(ofGoing));
  const outputs = surplus.outputs.map(({ id }) => id);
  for (const id of outputs.filter(names)) await moveToTrash(workspace, `store/${id}`);
  for (const { name } of surplus.runs) await moveToTrash(workspace, `runs/${name}`);
  for (const id of outputs.filter((one) => !names(one))) await moveToTrash(workspace, `store/${id}`);

  const removedRuns = await emptyTrash(workspace, await surveyNow(), look, 'runs/');
  // A run that was moved back needs what its records name, so the outputs are judged after it.
  const now = await surveyNow();
  const removed = [...removedRuns, ...(await emptyTrash(workspace, now, look, 'store/'))];
  const rest = await removeGone(workspace);
  const checkpoints = await retainCheckpoints(workspace, endedOf(now), policy);
  const wanted = surplus.downloads.map(({ name }) => name);
  const files = fetchingRun(now) === null ? await removeDownloads(workspace, wanted) : [];
  const done = new Set([...removed.map(({ origin }) => origin), ...files.map((name) => `${DOWNLOADS}/${name}`)]);
  const items = itemsOf(survey, surplus, done);
  const others = removed.filter(({ origin }) => !items.some(({ name }) => name === origin));
  return {
    totalBytes: totalBytes(survey),
    items: [
      ...items,
      ...others.map(({ origin, bytes }) => leftover(origin, bytes)),
      ...checkpoints,
      ...(rest === 0 ? [] : [leftover('.trash', rest)]),
    ],
    kept: surplus.kept,
  };
}

async function findIn(workspace: string, survey: Survey, policy: RetentionPolicy): Promise<Surplus> {
  const spared = new Map<string, number>();
  // What goes as a checkpoint need not go with the whole run.
  for (const run of policy.maxBytes === null ? [] : endedOf(survey)) {
    const checkpoints = await surplusCheckpoints(workspace, [run], policy, new Set());
    spared.set(run, sum(checkpoints.map(({ bytes }) => bytes)));
  }
  return findSurplus(survey, policy, Date.now(), spared);
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

/** What goes, or what of it is `done`, with the bytes that become free by it: of a file, by its last name. */
function itemsOf(survey: Survey, surplus: Surplus, done: ReadonlySet<string> | null = null): Collected[] {
  const all = [
    ...surplus.runs.map(({ name, why }) => ({
      item: { kind: 'run' as const, name: `runs/${name}`, why },
      size: survey.runs.find((run) => run.name === name),
    })),
    ...surplus.outputs.map(({ id, why }) => ({
      item: { kind: 'output' as const, name: `store/${id}`, why },
      size: survey.outputs.find((output) => output.id === id),
    })),
    ...surplus.downloads.map(({ name, why }) => ({
      item: { kind: 'download' as const, name: `${DOWNLOADS}/${name}`, why },
      size: survey.downloads.find((download) => download.name === name),
    })),
  ].filter(({ item }) => done?.has(item.name) ?? true);
  const freed = bytesFreed(all.map(({ size }) => size ?? { bytes: 0, shared: [] }));
  return all.map(({ item }, index) => ({ ...item, bytes: freed[index] ?? 0 }));
}

function endedOf({ runs }: Survey): string[] {
  return runs.filter(({ open }) => open === null).map(({ name }) => name);
}

function stayingEnded(survey: Survey, { runs }: Surplus): string[] {
  return endedOf(survey).filter((name) => !runs.some((run) => run.name === name));
}

function leftover(name: string, bytes: number): Collected {
  return { kind: 'leftover', name, bytes, why: 'an earlier removal was interrupted' };
}
