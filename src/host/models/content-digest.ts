import { fingerprint } from '../../domain/fingerprint.js';
import { makeManifest } from '../store/manifest.js';

/** Digest of what a file or folder holds, wherever it lies; null when it is not there. */
export async function contentDigest(path: string): Promise<string | null> {
  try {
    const manifest = await makeManifest(path);
    return fingerprint(manifest.map((entry) => [entry.path, entry.bytes, entry.sha256 ?? entry.mtimeMs]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
