import { z } from 'zod';
import { readNetwork } from '../../config.js';
import { TemperError } from '../../domain/errors.js';
import { showRemote, type HubSource } from '../../domain/remote-source.js';
import { getJson } from '../download/get-json.js';
import { HttpDoor } from '../download/http-door.js';
import { DOWNLOAD_LIMITS } from '../download/limits.js';

const COMMIT = /^[0-9a-f]{40}$/;
const RevisionSchema = z.object({ sha: z.string().regex(COMMIT) });

/** Commit that the revision of a hub source names now; without one, that of its branch `main`. */
export async function resolveHubRevision(source: HubSource, signal: AbortSignal): Promise<string> {
  const { hub, repoKind, id, revision } = source;
  if (revision !== null && COMMIT.test(revision)) return revision;
  const name = showRemote(source);
  if (hub !== 'hf') {
    throw new TemperError('SourceMissing', {
      where: name,
      what: 'its revision cannot be looked up',
      why: 'only hf: and hf-dataset: sources name commits',
      fix: 'leave the hub input out of the schedule, or use a source of hf',
    });
  }
  const network = readNetwork();
  if (network.isOffline) {
    throw new TemperError('OfflineForbids', {
      where: name,
      what: 'its revision is looked up at the hub, and nothing may be fetched',
      why: 'TEMPER_OFFLINE is set on this host',
    });
  }
  const { hfEndpoint, hfToken } = network;
  const headers: Record<string, string> = hfToken === undefined ? {} : { authorization: `Bearer ${hfToken}` };
  const credentials = { origin: new URL(hfEndpoint).origin, headers, variable: 'HF_TOKEN' };
  const door = new HttpDoor(network, DOWNLOAD_LIMITS, credentials);
  try {
    const kind = repoKind === 'model' ? 'models' : 'datasets';
    const url = `${hfEndpoint}/api/${kind}/${id}/revision/${encodeURIComponent(revision ?? 'main')}`;
    const { value } = await getJson(url, { door, limits: DOWNLOAD_LIMITS, signal, note: () => undefined });
    const parsed = RevisionSchema.safeParse(value);
    if (parsed.success) return parsed.data.sha;
    throw new TemperError('SourceMissing', { where: url, what: `the hub names no commit of ${name}` });
  } finally {
    await door.close();
  }
}
