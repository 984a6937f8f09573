import { stat } from 'node:fs/promises';
import { DataFailure } from '../../domain/data/failures.js';
import type { Finding } from '../../domain/data/rules.js';
import { mllmLine } from '../../domain/data/mllm-line.js';
import { ROW_READERS } from '../../domain/data/row-readers.js';
import type { RowReader } from '../../domain/data/row-readers.js';
import { Tally } from '../../domain/data/tally.js';
import type { DataConvertReport, DataFormat, DataProgress } from '../../schemas/data.js';
import { AtomicOutput } from './atomic-output.js';
import { ImageIndex, imageFinding } from './image-index.js';
import type { ImagePlace } from './image-index.js';
import { JsonArrayError } from './json-array-parser.js';
import { readRows } from './read-rows.js';
import type { RowBatch } from './read-rows.js';

/** Options of `convertRows`. */
export interface ConvertRowsOptions {
  /** What the annotations are; `llava` by default. */
  readonly format?: DataFormat;
  /** One JSON array: LLaVA rows {id, image, conversations}, or MLLM rows {images, messages} to be laid out anew. */
  readonly annotations: string;
  /** Folder that the image names are relative to; without one, rows with an image are dropped. */
  readonly imagesDir?: string | undefined;
  /** MLLM file to write; an existing one is replaced in one step. */
  readonly output: string;
  /**
   * Images may lie in the only folder of `imagesDir`, as they do in an unpacked archive; a name that is not found in
   * `imagesDir` itself is looked for there, and written with that folder before it.
   */
  readonly isOnlyFolderEntered?: boolean;
  /** Put before each image name, `./train2017` or `./train2017/` alike; empty by default. */
  readonly mediaPrefix?: string;
  /** Largest share of dropped rows that is accepted, 0..1; 0.001 by default. */
  readonly maxDropped?: number;
  /** Converts the first rows only; more than the file holds is an error, as it is for the trainer. */
  readonly maxSamples?: number | undefined;
  /** Texts that the model's tokenizer takes for something else; rows that hold one are dropped. */
  readonly reservedTokens?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: DataProgress) => void;
}

// One row in a thousand may be lost before the result is refused.
const DEFAULT_MAX_DROPPED = 0.001;

/**
 * Converts annotations to MLLM rows with exactly the columns images and messages, one row per line. Rows that training would
 * skip or die of are dropped and counted by reason. Nothing is written when too many are dropped, when none is
 * kept, when the input is broken (`DataFailure` each) or when aborted (the signal's reason is thrown).
 */
export async function convertRows(options: ConvertRowsOptions): Promise<DataConvertReport> {
  const startedAtMs = performance.now();
  const maxDropped = checkedShare(options.maxDropped ?? DEFAULT_MAX_DROPPED);
  await refuseSameFile(options);
  const images = await (options.imagesDir === undefined ? ImageIndex.none() : ImageIndex.open(options.imagesDir));
  const output = await AtomicOutput.create(options.output);
  try {
    const conversion = new Conversion(options, images, output);
    await conversion.run();
    const report = conversion.report();
    refuseLoss(report, maxDropped);
    const bytesWritten = await output.commit();
    return { ...report, bytesWritten, elapsedMs: performance.now() - startedAtMs };
  } finally {
    await output.discard();
  }
}

// One pass over the rows: what was kept goes to the output, what was not is counted.
class Conversion {
  readonly #options: ConvertRowsOptions;
  readonly #read: RowReader;
  readonly #prefix: string;
  readonly #images: ImageIndex;
  /** The only folder of the images folder, with a slash; empty when there is none or it must not be entered. */
  readonly #onlyFolder: string;
  readonly #output: AtomicOutput;
  readonly #dropped = new Tally();
  #rows = 0;
  #kept = 0;
  #textOnly = 0;
  #bytesRead = 0;

  constructor(options: ConvertRowsOptions, images: ImageIndex, output: AtomicOutput) {
    this.#options = options;
    this.#read = ROW_READERS[options.format ?? 'llava'];
    const only = options.isOnlyFolderEntered === true ? images.onlyFolder() : null;
    this.#onlyFolder = only === null ? '' : `${only}/`;
    this.#prefix = directoryPrefix(options.mediaPrefix ?? '');
    this.#images = images;
    this.#output = output;
  }

  async run(): Promise<void> {
    try {
      const { annotations, signal, format } = this.#options;
      // Upstream's own script for LLaVA rows reads one JSON document.
      for await (const batch of readRows(annotations, { signal, allowLines: format === 'mllm' })) {
        await this.#convert(batch);
        this.#options.onProgress?.({ ...batch.progress, rows: this.#rows });
        if (this.#rows === this.#options.maxSamples) break;
      }
    } catch (error) {
      throw error instanceof JsonArrayError ? brokenAnnotations(this.#options.annotations, error) : error;
    }
    this.#refuseTooFewSamples();
    await this.#output.append('\n]\n');
  }

  #refuseTooFewSamples(): void {
    const { annotations, maxSamples } = this.#options;
    if (maxSamples === undefined || this.#rows >= maxSamples) return;
    throw new DataFailure('data/bad-option', {
      what: `maxSamples is ${maxSamples}, the file has ${this.#rows} rows`,
      where: annotations,
    });
  }

  report(): DataConvertReport {
    return {
      v: 1,
      format: this.#options.format ?? 'llava',
      annotations: this.#options.annotations,
      images: this.#options.imagesDir ?? null,
      output: this.#options.output,
      rows: this.#rows,
      kept: this.#kept,
      textOnly: this.#textOnly,
      dropped: this.#rows - this.#kept,
      droppedBy: this.#dropped.problems(),
      bytesRead: this.#bytesRead,
      bytesWritten: 0,
      elapsedMs: 0,
    };
  }

  async #convert(batch: RowBatch): Promise<void> {
    for (const value of batch.rows) {
      if (this.#rows === this.#options.maxSamples) break;
      const row = this.#rows;
      this.#rows += 1;
      const reading = this.#read(value, this.#options.reservedTokens);
      if (reading.kind === 'dropped') {
        this.#dropped.add(row, reading.finding);
        continue;
      }
      const { images, messages } = reading;
      // Most rows have one image or none, known without waiting.
      const named: string[] = [];
      let finding: Finding | undefined;
      for (const image of images) {
        const found = this.#locate(image);
        const place = typeof found === 'string' || 'name' in found ? found : await found;
        if (typeof place === 'object') named.push(this.#prefix + place.name);
        else finding ??= imageFinding(place, image, 'image');
      }
      if (finding !== undefined) {
        this.#dropped.add(row, finding);
        continue;
      }
      const line = mllmLine(named, messages);
      const text = this.#kept === 0 ? `[\n${line}` : `,\n${line}`;
      // Awaiting every row would cost a turn of the event loop for each.
      if (!this.#output.tryAppend(text)) await this.#output.append(text);
      this.#kept += 1;
      if (images.length === 0) this.#textOnly += 1;
    }
    this.#bytesRead = batch.progress.bytesRead;
  }

  #locate(image: string): Located | Promise<Located> {
    const found = this.#images.lookup(image);
    if (found === 'file') return { name: image };
    return typeof found === 'string' && this.#onlyFolder === '' ? found : this.#enter(image, found);
  }

  async #enter(image: string, found: ImagePlace | Promise<ImagePlace>): Promise<Located> {
    const place = await found;
    if (place === 'file') return { name: image };
    if (this.#onlyFolder === '' || place !== 'missing') return place;
    const name = `${this.#onlyFolder}${image}`;
    return (await this.#images.lookup(name)) === 'file' ? { name } : place;
  }
}

/** The name of an image below the images folder, or why it is none. */
type Located = { readonly name: string } | Exclude<ImagePlace, 'file'>;

function refuseLoss(report: DataConvertReport, maxDropped: number): void {
  const reasons = report.droppedBy.map(
    (problem) =>
      `${problem.id} ${problem.count}x, such as row ${problem.examples[0]?.row}: ${problem.examples[0]?.what}`,
  );
  const where = report.annotations;
  if (report.kept === 0) {
    const what =
      report.rows === 0
        ? 'the annotations hold no rows'
        : `none of ${report.rows} rows can be used: ${reasons.join('; ')}`;
    throw new DataFailure('data/nothing-kept', { what, where, report });
  }
  const share = report.dropped / report.rows;
  if (share > maxDropped) {
    const what = `${report.dropped} of ${report.rows} rows dropped (${percent(share)}, accepted ${percent(maxDropped)}): ${reasons.join('; ')}`;
    throw new DataFailure('data/too-many-dropped', { what, where, report });
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function directoryPrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

function checkedShare(maxDropped: number): number {
  if (maxDropped >= 0 && maxDropped <= 1) return maxDropped;
  throw new DataFailure('data/bad-option', {
    what: `maxDropped is ${maxDropped}, not a share from 0 to 1`,
    where: 'maxDropped',
  });
}

// One inode under two names is one file; an output that is not there yet is no input.
async function refuseSameFile(options: ConvertRowsOptions): Promise<void> {
  const [input, output] = await Promise.all(
    [options.annotations, options.output].map((path) => stat(path).catch(() => undefined)),
  );
  if (input === undefined || output === undefined) return;
  if (input.dev === output.dev && input.ino === output.ino) {
    throw new DataFailure('data/output-is-input', {
      what: 'output and annotations are the same file',
      where: options.output,
    });
  }
}

function brokenAnnotations(file: string, error: JsonArrayError): DataFailure {
  return new DataFailure('data/broken-annotations', {
    what: error.what,
    where: `${file}, byte ${error.byteOffset}`,
    cause: error,
  });
}
