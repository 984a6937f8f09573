import { open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../system-error.js';
import { TemperError } from '../../domain/errors.js';
import { addRange, countBytes, missingRanges } from '../../domain/byte-ranges.js';
import type { ByteRange } from '../../domain/byte-ranges.js';
import { PartialFileSchema } from '../../schemas/fetch.js';
import type { PartialFile } from '../../schemas/fetch.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { Changed, onDisk } from './failures.js';
import type { DownloadLimits } from './limits.js';

type JournalLimits = Pick<DownloadLimits, 'journalBytes' | 'journalMs'>;

/**
 * A file that is being downloaded, and the journal beside it that says which bytes of which version are there. The
 * journal never names bytes that are not on disk, so that a killed process, or host, costs only the newest of them.
 */
export class Partial {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #limits: JournalLimits;
  #state: PartialFile;
  #unwrittenBytes = 0;
  #writtenAt = performance.now();
  #writing: Promise<void> | null = null;

  private constructor(path: string, handle: FileHandle, state: PartialFile, limits: JournalLimits) {
    this.path = path;
    this.#handle = handle;
    this.#state = state;
    this.#limits = limits;
  }

  /** Opens what an earlier process left, or begins anew where it left nothing that can be used. */
  static async open(path: string, name: string, limits: JournalLimits): Promise<Partial> {
    return onDisk(path, async () => {
      const fresh: PartialFile = { v: 1, name, bytes: null, validator: null, done: [] };
      const state = (await readJsonFile(journalOf(path), PartialFileSchema).catch(nullIfDamaged)) ?? fresh;
      const handle = await open(path, 'r+').catch(async (error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
        return open(path, 'w+', 0o644);
      });
      const { size } = await handle.stat();
      const isThere = state.done.every(([, to]) => to <= size);
      return new Partial(path, handle, isThere ? state : fresh, limits);
    });
  }

  /** Size of the whole file; null while it is not known. */
  get bytes(): number | null {
    return this.#state.bytes;
  }

  get validator(): string | null {
    return this.#state.validator;
  }

  /** Bytes of the file that are here. */
  get doneBytes(): number {
    return countBytes(this.#state.done);
  }

  /** What is not here yet; null while the size is not known. */
  get missing(): readonly ByteRange[] | null {
    return this.#state.bytes === null ? null : missingRanges(this.#state.done, this.#state.bytes);
  }

  /** Notes which version of the file an answer belongs to; throws `Changed` when it is another one. */
  agree(bytes: number, validator: string | null): void {
    const known = this.#state;
    if (known.bytes !== null && known.bytes !== bytes)
      throw new Changed(`its size changed from ${known.bytes} to ${bytes} bytes`);
    if (known.bytes !== null && known.validator !== validator) throw new Changed('its version changed at the server');
    this.#state = { ...known, bytes, validator };
  }

  /** Forgets everything that is here. */
  async reset(): Promise<void> {
    await onDisk(this.path, async () => {
      await this.#writing;
      this.#state = { ...this.#state, bytes: null, validator: null, done: [] };
      await writeJsonFile(journalOf(this.path), this.#state);
      await this.#handle.truncate(0);
    });
  }

  /** Writes bytes to their place. */
  async write(at: number, chunk: Uint8Array): Promise<void> {
    await onDisk(this.path, async () => {
      let written = 0;
      while (written < chunk.length) {
        const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, at + written);
        written += bytesWritten;
      }
      this.#state = { ...this.#state, done: addRange(this.#state.done, [at, at + chunk.length]) };
      this.#unwrittenBytes += chunk.length;
      const { journalBytes, journalMs } = this.#limits;
      if (this.#unwrittenBytes >= journalBytes || performance.now() - this.#writtenAt >= journalMs)
        await this.journal();
    });
  }

  /** Brings the journal up to what is written. */
  async journal(): Promise<void> {
    this.#writing ??= this.#writeJournal().finally(() => {
      this.#writing = null;
    });
    await onDisk(this.path, () => this.#writing ?? Promise.resolve());
  }

  /** Cuts the file to its size and puts all of it on disk. */
  async finish(): Promise<void> {
    await onDisk(this.path, async () => {
      await this.#writing;
      await this.#handle.truncate(this.#state.bytes ?? 0);
      await this.#handle.sync();
    });
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
  }

  /** Removes the file and its journal. */
  async discard(): Promise<void> {
    await this.close();
    await discardPartial(this.path);
  }

  async #writeJournal(): Promise<void> {
    const state = this.#state;
    this.#unwrittenBytes = 0;
    this.#writtenAt = performance.now();
    await this.#handle.datasync();
    await writeJsonFile(journalOf(this.path), state);
  }
}

/** Removes a partial file; the journal goes first, because it speaks for the file. */
export async function discardPartial(path: string): Promise<void> {
  await discardJournal(path);
  await rm(path, { force: true });
}

/** Clears what a process left that was killed between putting its file in place and clearing up after itself. */
export async function discardOrphanedJournal(path: string): Promise<void> {
  const hasFile = (await stat(path).catch(() => null)) !== null;
  // Whoever downloads makes the file before the journal, so a journal alone speaks for nothing.
  if (!hasFile) await discardJournal(path);
}

/** Removes the journal, and what killed writers left of it: they write beside it and rename. */
async function discardJournal(path: string): Promise<void> {
  const journal = basename(journalOf(path));
  const left = (await readdir(dirname(path))).filter((name) => name === journal || name.startsWith(`${journal}.`));
  await Promise.all(left.map((name) => rm(join(dirname(path), name), { force: true })));
}

/** A damaged journal only costs what was downloaded; a newer format is refused like everywhere. */
function nullIfDamaged(error: unknown): null {
  if (error instanceof TemperError && error.problem.code === 'WorkspaceUnusable') return null;
  throw error;
}

/** File that tells which parts of a partial file are there. */
export function journalOf(path: string): string {
  return `${path}.json`;
}
