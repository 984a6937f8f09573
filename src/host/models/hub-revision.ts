import { TemperError } from '../../domain/errors.js';
import { processEnv } from '../../config.js';

const TIMEOUT_MS = 20_000;
const COMMIT = /^[0-9a-f]{40}$/;

/** Commit that a revision of a hub source names now. */
export async function resolveHubRevision(source: string, revision: string): Promise<string> {
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
  const env = processEnv();
  const endpoint = env['TEMPER_HF_ENDPOINT'] ?? env['HF_ENDPOINT'] ?? 'https://huggingface.co';
  const url = `${endpoint.replace(/\/$/, '')}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
  const token = env['HF_TOKEN'];
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const body: unknown = await response.json();
    const sha = typeof body === 'object' && body !== null && 'sha' in body ? body.sha : null;
    if (typeof sha === 'string' && COMMIT.test(sha)) return sha;
    throw new Error('the answer names no commit');
  } catch (error) {
    throw new TemperError(
      'SourceMissing',
      {
        where: url,
        what: `the commit of ${source} at ${revision} cannot be looked up`,
        why: error instanceof Error ? error.message : String(error),
        fix: 'check the network of the host and the revision of the spec, then unpause the schedule',
      },
      { cause: error },
    );
  }
}
