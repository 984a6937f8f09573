import { opendir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import { DataFailure } from '../../domain/data/failures.js';
import { splitMediaName } from '../../domain/data/media-name.js';
import type { Finding } from '../../domain/data/rules.js';
import { showValue } from '../../domain/data/show-value.js';
import { hasCode } from '../system-error.js';

/** What a media name is below the images root; `outside` is a path or a link that leaves it. */
export type ImagePlace = 'file' | 'missing' | 'outside' | 'not-a-file';

type Listing = Map<string, ImagePlace | 'link'>;

// Stands for every folder that a link leads out of the root.
const OUTSIDE: Listing = new Map();

// Entries fetched per call of the listing; the 118,287 images of COCO train2017 take some 30 calls.
const ENTRIES_PER_READ = 4096;

/**
 * Tells which images exist below one folder from one listing per folder, made when a name first needs it. With
 * 150,000 rows that is one listing on a network file system instead of 150,000 calls. Links are followed once
 * each and must stay inside the root.
 */
export class ImageIndex {
  // Null when the data set has no images folder.
  readonly #root: string | null;
  readonly #realRoot: string;
  readonly #listings = new Map<string, Listing>();
  readonly #loading = new Map<string, Promise<Listing>>();

  private constructor(root: string | null, realRoot: string) {
    this.#root = root;
    this.#realRoot = realRoot;
  }

  /** Opens the index of an existing folder; throws `DataFailure` when it is none or cannot be read. */
  static async open(root: string): Promise<ImageIndex> {
    try {
      const index = new ImageIndex(root, await realpath(root));
      index.#listings.set('', await readListing(index.#realRoot));
      return index;
    } catch (cause) {
      throw unreadable(root, cause);
    }
  }

  /** The index of a data set without images: every name is missing. */
  static none(): ImageIndex {
    return new ImageIndex(null, '');
  }

  /** Looks a name up; a promise only when a folder must be listed or a link followed first. */
  lookup(name: string): ImagePlace | Promise<ImagePlace> {
    // Below the root of all folders a whole path is a name like any other.
    const parts = splitMediaName(this.#realRoot === sep ? name.replace(/^\/+/, '') : name);
    if (parts === undefined) return 'outside';
    if (this.#root === null) return 'missing';
    const listing = this.#listings.get(parts.folder);
    return listing === undefined
      ? this.#listThenFind(parts.folder, parts.base)
      : this.#find(listing, parts.folder, parts.base);
  }

  /**
   * The folder that is all there is in the root, as in an unpacked archive; null when there is anything else. What
   * desktops put beside it (`.DS_Store`, `__MACOSX`) is no image.
   */
  onlyFolder(): string | null {
    const entries = [...(this.#listings.get('') ?? [])];
    const [entry, ...others] = entries.filter(([name]) => !name.startsWith('.') && name !== '__MACOSX');
    return entry !== undefined && others.length === 0 && entry[1] === 'not-a-file' ? entry[0] : null;
  }

  /** Absolute path of a name that was looked up as `file`. */
  path(name: string): string {
    return join(this.#realRoot, name);
  }

  #find(listing: Listing, folder: string, base: string): ImagePlace | Promise<ImagePlace> {
    if (listing === OUTSIDE) return 'outside';
    const place = listing.get(base) ?? 'missing';
    return place === 'link' ? this.#followLink(listing, folder, base) : place;
  }

  async #listThenFind(folder: string, base: string): Promise<ImagePlace> {
    const loading = this.#loading.get(folder) ?? this.#list(folder);
    this.#loading.set(folder, loading);
    return this.#find(await loading, folder, base);
  }

  async #list(folder: string): Promise<Listing> {
    const listing = await this.#readFolder(folder);
    this.#listings.set(folder, listing);
    return listing;
  }

  async #readFolder(folder: string): Promise<Listing> {
    try {
      const real = await realpath(join(this.#realRoot, folder));
      return this.#isInside(real) ? await readListing(real) : OUTSIDE;
    } catch (cause) {
      if (isAbsence(cause)) return new Map();
      throw unreadable(join(this.#root ?? '', folder), cause);
    }
  }

  async #followLink(listing: Listing, folder: string, base: string): Promise<ImagePlace> {
    const place = await this.#resolveLink(join(this.#realRoot, folder, base));
    listing.set(base, place);
    return place;
  }

  async #resolveLink(path: string): Promise<ImagePlace> {
    try {
      const real = await realpath(path);
      if (!this.#isInside(real)) return 'outside';
      return (await stat(real)).isFile() ? 'file' : 'not-a-file';
    } catch {
      // Dangling, looping or unreadable on the way: training could not open it either.
      return 'missing';
    }
  }

  #isInside(real: string): boolean {
    return (
      real === this.#realRoot || real.startsWith(this.#realRoot.endsWith(sep) ? this.#realRoot : this.#realRoot + sep)
    );
  }
}

/** The finding for a name that is no usable image file; `where` is its place in the row. */
export function imageFinding(place: Exclude<ImagePlace, 'file'>, name: string, where: string): Finding {
  const rule = place === 'outside' ? 'data/image-outside-root' : 'data/image-missing';
  return { rule, where, what: place === 'not-a-file' ? `${showValue(name)} is not a file` : showValue(name) };
}

async function readListing(folder: string): Promise<Listing> {
  const listing: Listing = new Map();
  for await (const entry of await opendir(folder, { bufferSize: ENTRIES_PER_READ })) {
    listing.set(entry.name, entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'not-a-file');
  }
  return listing;
}

// A name that no file system can hold (too long, with NUL), or that links lead round to, is as absent as one that
// nobody made.
function isAbsence(cause: unknown): boolean {
  return hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE');
}

function unreadable(folder: string, cause: unknown): DataFailure {
  const what = errorText(cause);
  return new DataFailure('data/images-unreadable', { what, where: folder, cause });
}
