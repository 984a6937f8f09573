import { nullIfMissing } from '../system-error.js';
import { fingerprint } from '../../domain/fingerprint.js';
import { makeManifest } from '../store/manifest.js';

/** Digest of what a file or folder holds, wherever it lies; null when it is not there. */
export async function contentDigest(path: string, hash?: (file: string) => Promise<string>): Promise<string | null> {
  const manifest = await makeManifest(path, [], hash).catch(nullIfMissing);
  if (manifest === null) return null;
  return fingerprint(manifest.map((entry) => [entry.path, entry.bytes, entry.sha256 ?? entry.mtimeMs]));
}
