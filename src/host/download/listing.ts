import { TemperError } from '../../domain/errors.js';
import type { HubSource } from '../../domain/remote-source.js';
import type { RemoteFile } from './remote-file.js';
import type { TransferOptions } from './transfer.js';

/** What a source consists of. */
export interface Listing {
  /** Scheme and host that answered. */
  readonly endpoint: string;
  /** Commit that the revision means now; null where the source tells none. */
  readonly commit: string | null;
  /** Files with their paths relative to what was asked for. */
  readonly files: readonly RemoteFile[];
}

/** How hubs are asked for their lists. */
export type Asking = Omit<TransferOptions, 'onBytes'>;

/** A file as a hub lists it, with its path in the repository. */
export type ListedFile = Pick<RemoteFile, 'url' | 'bytes' | 'proof'> & { readonly path: string };

/**
 * Takes from a repository's files what was asked for: all, one file, or a folder. Paths of a hub are not trusted:
 * none may leave the folder that it is downloaded into, or stand twice. Files of models need a checksum.
 */
export function chooseFiles(source: HubSource, name: string, listed: readonly ListedFile[]): RemoteFile[] {
  const { path: wanted } = source;
  const exact = listed.filter(({ path }) => path === wanted);
  const below = wanted === null ? listed : listed.filter(({ path }) => path.startsWith(`${wanted}/`));
  const chosen = exact.length > 0 ? exact : below;
  const isFile = exact.length > 0;
  if (chosen.length === 0) {
    throw new TemperError('DownloadRefused', {
      where: name,
      what: wanted === null ? 'the repository has no files' : `the repository has no file or folder ${wanted}`,
      fix: 'correct the source or its revision in the spec',
    });
  }
  const seen = new Set<string>();
  const folders = new Set(chosen.flatMap(({ path }) => foldersAbove(path)));
  return chosen.map((file) => {
    const path = isFile
      ? (file.path.split('/').at(-1) ?? '')
      : file.path.slice(wanted === null ? 0 : wanted.length + 1);
    if (!isSafePath(path) || seen.has(path)) {
      throw new TemperError('DownloadRefused', {
        where: name,
        what: `the hub lists the path ${JSON.stringify(file.path)}${seen.has(path) ? ' twice' : ''}`,
        why: 'it would be written outside its folder, or over another file',
        fix: 'use another mirror or revision',
      });
    }
    if (folders.has(file.path)) {
      throw new TemperError('DownloadRefused', {
        where: name,
        what: `the hub lists ${JSON.stringify(file.path)} as a file and as a folder with files`,
        why: 'no file system can hold both',
        fix: 'use another mirror or revision',
      });
    }
    if (source.repoKind === 'model' && file.proof.kind === 'none') throw unproven(name, file.path);
    seen.add(path);
    return { ...file, path, name: `${name}: ${path}` };
  });
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** A damaged weight trains as well as a sound one, so nothing of a model is taken whose contents cannot be proven. */
function unproven(name: string, path: string): TemperError {
  return new TemperError('DownloadRefused', {
    where: name,
    what: `the hub tells no usable checksum of ${JSON.stringify(path)}`,
    why: 'a file of a model that was damaged on its way could not be told from a sound one',
    fix: 'use the hub itself or another mirror, or bring the model to the host and name its folder',
  });
}

/** Whether a relative path stays in its folder and can be a file name on Linux. */
export function isSafePath(path: string): boolean {
  const parts = path.split('/');
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  return !/[\u0000-\u001f\u007f\\]/.test(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

/** A path in an address, each part encoded. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
