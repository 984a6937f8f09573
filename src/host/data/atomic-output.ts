import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import { DataFailure } from '../../domain/data/failures.js';

// Readable by another training user, unlike the 0600 of the script this replaces.
const OUTPUT_MODE = 0o644;

// Text is encoded straight into one of two buffers of this size, so that a row costs neither a system call nor
// garbage; while one is written to disk the other is filled.
const BUFFER_BYTES = 1024 * 1024;

// UTF-8 needs at most three bytes for one UTF-16 unit.
const MAX_BYTES_PER_UNIT = 3;

/**
 * Writes a large text file so that its final name only ever holds a complete file: temp file of a name of its
 * own in the same folder, fsync, rename, fsync of the folder. What a killed writer leaves behind blocks nobody.
 */
export class AtomicOutput {
  readonly #target: string;
  readonly #temp: string;
  readonly #handle: FileHandle;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #spare = Buffer.allocUnsafe(BUFFER_BYTES);
  #bufferedBytes = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #writtenBytes = 0;

  private constructor(target: string, temp: string, handle: FileHandle) {
    this.#target = target;
    this.#temp = temp;
    this.#handle = handle;
  }

  /** Creates the temp file; throws `DataFailure` when the folder is missing or cannot be written. */
  static async create(target: string): Promise<AtomicOutput> {
    const temp = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    try {
      if (await isOtherThanFile(target)) throw new Error('there is something that is no regular file');
      return new AtomicOutput(target, temp, await open(temp, 'wx', OUTPUT_MODE));
    } catch (cause) {
      throw unwritable(target, cause);
    }
  }

  /** Appends text when it surely fits into the buffer; false says that `append` must be awaited instead. */
  tryAppend(text: string): boolean {
    if (this.#bufferedBytes + text.length * MAX_BYTES_PER_UNIT > BUFFER_BYTES) return false;
    this.#bufferedBytes += this.#buffer.write(text, this.#bufferedBytes, 'utf8');
    return true;
  }

  /** Appends text of any size, writing out what is buffered first where it must. */
  async append(text: string): Promise<void> {
    if (this.tryAppend(text)) return;
    await this.#flush();
    if (this.tryAppend(text)) return;
    await this.#settle();
    this.#start(Buffer.from(text, 'utf8'));
  }

  /** Puts the complete file under its final name, replacing an older one; returns its size in bytes. */
  async commit(): Promise<number> {
    await this.#flush();
    await this.#settle();
    try {
      await this.#handle.chmod(OUTPUT_MODE);
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temp, this.#target);
      await syncFolder(dirname(this.#target));
    } catch (cause) {
      throw unwritable(this.#target, cause);
    }
    return this.#writtenBytes;
  }

  /** Removes the temp file; a failure to do so hides no earlier error. After `commit` it does nothing. */
  async discard(): Promise<void> {
    await this.#writing;
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temp, { force: true }).catch(() => undefined);
  }

  // Starts to write what is buffered, once the write before it has ended.
  async #flush(): Promise<void> {
    await this.#settle();
    this.#start(this.#buffer.subarray(0, this.#bufferedBytes));
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#bufferedBytes = 0;
  }

  #start(bytes: Buffer): void {
    this.#writtenBytes += bytes.length;
    // A failure is kept as a value until `settle` looks, or the process would die of an unhandled rejection.
    this.#writing = this.#handle.writeFile(bytes).catch((cause: unknown) => unwritable(this.#target, cause));
  }

  async #settle(): Promise<void> {
    const failure = await this.#writing;
    if (failure instanceof DataFailure) throw failure;
  }
}

/** A folder cannot be replaced by a file, and a device or pipe must not be: others use it. */
async function isOtherThanFile(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(target: string, cause: unknown): DataFailure {
  const what = errorText(cause);
  return new DataFailure('data/output-unwritable', { what, where: target, cause });
}
