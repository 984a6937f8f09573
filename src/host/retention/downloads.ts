import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '../system-error.js';
import type { DownloadFacts } from '../../domain/surplus-downloads.js';
import { tryClaimDownload } from '../download/claim.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';
import { discardPartial, journalOf } from '../download/partial-file.js';
import { fileId } from './measure.js';

/** Folder of a workspace that downloads come into. */
export const DOWNLOADS = 'downloads';

/** Whole files are named by their content or their address; partial ones end in `.part`. */
const NAME = /^((?:sha256|git-blob|url)-[0-9a-f]{40,64})((?:\.[0-9a-f-]{36})?\.part)?$/;

/** A holder shows every few seconds that it lives; after a day without, its host is not coming back to it. */
const LOST_CLAIM_MS = 24 * 3_600_000;

/** What lies in the folder of downloads. */
export async function surveyDownloads(workspace: string): Promise<DownloadFacts[]> {
  const root = join(workspace, DOWNLOADS);
  const found: DownloadFacts[] = [];
  for (const name of await readdir(root).catch(() => [])) {
    const [, key, part] = NAME.exec(name) ?? [];
    const info = key === undefined ? null : await stat(join(root, name)).catch(() => null);
    if (key === undefined || info === null || !info.isFile()) continue;
    const isPartial = part !== undefined;
    const journal = isPartial ? await stat(journalOf(join(root, name))).catch(() => null) : null;
    // A partial file has holes.
    const bytes = isPartial ? info.blocks * 512 : info.size;
    found.push({
      name,
      ...(info.nlink > 1
        ? { bytes: 0, shared: [{ id: fileId(info), bytes, links: info.nlink, names: 1 }] }
        : { bytes, shared: [] }),
      touchedMs: Math.max(info.ctimeMs, journal?.ctimeMs ?? 0),
      isPartial,
      isClaimed: await isClaimed(join(root, `${key}.claim`)),
    });
  }
  return found;
}

/**
 * Removes of these downloads what nobody took into use meanwhile. A file that is linked into an output at this very
 * moment stays there; a fetch that has just looked at it fetches it again.
 */
export async function removeDownloads(workspace: string, names: readonly string[]): Promise<string[]> {
  const removed: string[] = [];
  for (const name of names) {
    const path = join(workspace, DOWNLOADS, name);
    if (await (name.endsWith('.part') ? removePartial(path) : removeWhole(path))) removed.push(name);
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
