import { z } from 'zod';
import { readNetwork } from '../../config.js';
import { TemperError } from '../../domain/errors.js';
import { getJson } from '../download/get-json.js';
import { HttpDoor } from '../download/http-door.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';

const COMMIT = /^[0-9a-f]{40}$/;
const RevisionSchema = z.object({ sha: z.string().regex(COMMIT) });

/** Commit that a revision of a hub source names now. */
export async function resolveHubRevision(source: string, revision: string, signal: AbortSignal): Promise<string> {
  if (COMMIT.test(revision)) return revision;
  const repository = /^hf:(.+)$/.exec(source)?.[1];
  if (repository === undefined) {
    throw new TemperError('SourceMissing', {
      where: 'weights.source',
      what: `the revision of ${source} cannot be looked up`,
      why: 'only hf: sources name commits',
      fix: 'leave the hub input out of the schedule, or use an hf: source',
    });
  }
  const network = readNetwork();
  if (network.isOffline) {
    throw new TemperError('OfflineForbids', {
      where: source,
      what: 'its revision is looked up at the hub, and nothing may be fetched',
      why: 'TEMPER_OFFLINE is set on this host',
    });
  }
  const { hfEndpoint, hfToken } = network;
  const headers: Record<string, string> = hfToken === undefined ? {} : { authorization: `Bearer ${hfToken}` };
  const credentials = { origin: new URL(hfEndpoint).origin, headers, variable: 'HF_TOKEN' };
  const door = new HttpDoor(network, DOWNLOAD_LIMITS, credentials);
  try {
    const url = `${hfEndpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
    const { value } = await getJson(url, { door, limits: DOWNLOAD_LIMITS, signal, note: () => undefined });
    const parsed = RevisionSchema.safeParse(value);
    if (parsed.success) return parsed.data.sha;
    throw new TemperError('SourceMissing', { where: url, what: `the hub names no commit of ${source} at ${revision}` });
  } finally {
    await door.close();
  }
}
