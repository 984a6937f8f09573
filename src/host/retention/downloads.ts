import { lstat, readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import { fetchingRun, surplusDownloads, type DownloadFacts } from '../../domain/surplus-downloads.js';
import type { Surplus, Survey } from '../../domain/retention.js';
import type { Collected, RetentionPolicy } from '../../schemas/retention.js';
import { tryClaimDownload } from '../download/claim.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';
import { discardPartial, journalOf } from '../download/partial-file.js';

/** Folder of a workspace that downloads come into. */
export const DOWNLOADS = 'downloads';

/** Whole files are named by their content or their address; partial ones end in `.part`. */
const NAME = /^((?:sha256|git-blob|url)-[0-9a-f]{40,64})((?:\.[0-9a-f-]{36})?\.part)?$/;

/** A holder shows every few seconds that it lives; after a day without, its host is not coming back to it. */
const LOST_CLAIM_MS = 24 * 3_600_000;

/** What lies in the folder of downloads. `going`: outputs (`stage/key`) that are about to go. */
export async function surveyDownloads(workspace: string, going: readonly string[]): Promise<DownloadFacts[]> {
  const root = join(workspace, DOWNLOADS);
  const freed = new Map<string, number>();
  for (const id of going) await countLinks(join(workspace, 'store', id), freed);
  const found: DownloadFacts[] = [];
  for (const name of await readdir(root).catch(() => [])) {
    const [, key, part] = NAME.exec(name) ?? [];
    const info = key === undefined ? null : await stat(join(root, name)).catch(() => null);
    if (key === undefined || info === null || !info.isFile()) continue;
    const isPartial = part !== undefined;
    const journal = isPartial ? await stat(journalOf(join(root, name))).catch(() => null) : null;
    const inGoing = freed.get(`${info.dev} ${info.ino}`) ?? 0;
    found.push({
      name,
      // A partial file has holes.
      bytes: info.blocks * 512,
      touchedMs: Math.max(info.ctimeMs, journal?.ctimeMs ?? 0),
      isPartial,
      isClaimed: await isClaimed(join(root, `${key}.claim`)),
      outputs: info.nlink - 1 - inGoing,
      isFreed: inGoing > 0,
    });
  }
  return found;
}

/** Downloads that would go, the size of all, and the run for whose sake all stay. */
export async function planDownloads(
  workspace: string,
  survey: Survey,
  going: readonly string[],
  policy: RetentionPolicy,
): Promise<{ readonly items: Collected[]; readonly totalBytes: number; readonly kept: Surplus['kept'] }> {
  const found = await surveyDownloads(workspace, going);
  const items = surplusDownloads(found, survey, policy, Date.now()).map(({ name, bytes, why }): Collected => ({
    kind: 'download',
    name: `${DOWNLOADS}/${name}`,
    bytes,
    why,
  }));
  const run = found.length === 0 ? null : fetchingRun(survey);
  return {
    items,
    totalBytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    kept: run === null ? [] : [{ run, why: 'it may not have all that it downloads, so no download is removed' }],
  };
}

/**
 * Removes of these downloads what nobody took into use meanwhile. A file that is linked into an output at this very
 * moment stays there; a fetch that has just looked at it fetches it again.
 */
export async function removeDownloads(workspace: string, planned: readonly Collected[]): Promise<Collected[]> {
  const removed: Collected[] = [];
  for (const one of planned) {
    const path = join(workspace, one.name);
    if (await (one.name.endsWith('.part') ? removePartial(path) : removeWhole(path))) removed.push(one);
  }
  return removed;
}

async function removeWhole(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  if (info === null || info.nlink > 1 || (await isClaimed(`${path}.claim`))) return false;
  // The record speaks for the file, so it goes first.
  await rm(`${path}.json`, { force: true });
  await unlink(path);
  return true;
}

async function removePartial(path: string): Promise<boolean> {
  const [, key = ''] = NAME.exec(path.slice(path.lastIndexOf('/') + 1)) ?? [];
  const dir = join(path, '..', `${key}.claim`);
  if (await isClaimed(dir)) return false;
  // What a lost host left would keep everybody else from the file.
  await rm(dir, { recursive: true, force: true });
  const claim = await tryClaimDownload(dir, DOWNLOAD_LIMITS);
  if (claim === null) return false;
  try {
    await discardPartial(path);
  } finally {
    await claim.release();
  }
  return true;
}

async function isClaimed(dir: string): Promise<boolean> {
  for (const name of (await readdir(dir).catch(nullIfMissing)) ?? []) {
    const beat = await stat(join(dir, name)).catch(nullIfMissing);
    if (beat !== null && Date.now() - beat.mtimeMs < LOST_CLAIM_MS) return true;
  }
  return false;
}

/** Counts the names of each file that has several. */
async function countLinks(path: string, links: Map<string, number>): Promise<void> {
  const info = await lstat(path).catch(() => null);
  if (info === null) return;
  if (info.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) await countLinks(join(path, name), links);
  } else if (info.isFile() && info.nlink > 1) {
    const id = `${info.dev} ${info.ino}`;
    links.set(id, (links.get(id) ?? 0) + 1);
  }
}
