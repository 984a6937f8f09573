import { resolve } from 'node:path';
import { estimateTokens, isImageCut } from '../../domain/data/estimate-tokens.js';
import type { PixelSize, TokenEstimate, TokenModel } from '../../domain/data/estimate-tokens.js';
import { unloadable } from '../../domain/data/loader-path.js';
import { conversationFindings, readMllmRow } from '../../domain/data/mllm-row.js';
import type { MllmReading, MllmRow } from '../../domain/data/mllm-row.js';
import { DATA_RULES } from '../../domain/data/rules.js';
import type { Finding } from '../../domain/data/rules.js';
import { showValue } from '../../domain/data/show-value.js';
import { Tally } from '../../domain/data/tally.js';
import { TextRuns } from '../../domain/data/text-runs.js';
import type { DataCheckReport, DataProgress } from '../../schemas/data.js';
import { ImageHeaders } from './image-headers.js';
import { ImageIndex } from './image-index.js';
import { JsonArrayError } from './json-array-parser.js';
import { readRows } from './read-rows.js';
import type { RowBatch } from './read-rows.js';

/** Options of `checkMllm`. */
export interface CheckMllmOptions {
  /** MLLM file: one JSON array of {images, messages}. */
  readonly file: string;
  /** Folder that the image paths of the rows are relative to; without one, every image is missing. */
  readonly imageRoot?: string | undefined;
  /** Tokens that one row may have in training. */
  readonly sequenceLength: number;
  /** Rows that one step takes over all ranks: micro batch size x data parallel ranks. */
  readonly worldBatch: number;
  /** How text and images become tokens, roughly; a property of the model. */
  readonly tokens: TokenModel;
  /** Texts that the model's tokenizer takes for something else, such as its image token. */
  readonly reservedTokens?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Whether the training program takes a path with white space. */
  readonly allowSpaces?: boolean;
  readonly onProgress?: (progress: DataProgress) => void;
}

/**
 * Checks every row of an MLLM file against the table of data rules and reports all breaches with counts and
 * examples. Broken data is a problem in the report; only a file or folder that cannot be read is thrown
 * (`DataFailure`), and the signal's reason when aborted.
 */
export async function checkMllm(options: CheckMllmOptions): Promise<DataCheckReport> {
  const startedAtMs = performance.now();
  const images = await (options.imageRoot === undefined ? ImageIndex.none() : ImageIndex.open(options.imageRoot));
  const check = new MllmCheck(options, new ImageHeaders(images));
  await check.run();
  return { ...check.report(), elapsedMs: performance.now() - startedAtMs };
}

// One pass over the rows; images of a batch are probed together before its rows are judged.
class MllmCheck {
  readonly #options: CheckMllmOptions;
  readonly #headers: ImageHeaders;
  readonly #tally = new Tally();
  #rows = 0;
  #validRows = 0;
  #textOnly = 0;
  readonly #textRuns = new TextRuns();
  #hasImagesColumn = false;
  #hasByteOrderMark = false;
  #isComplete = false;
  #maxTokens = 0;
  #sumTokens = 0;
  #bytesRead = 0;

  constructor(options: CheckMllmOptions, headers: ImageHeaders) {
    this.#options = options;
    this.#headers = headers;
  }

  async run(): Promise<void> {
    const name = resolve(this.#options.file);
    if (unloadable(name, this.#options.allowSpaces) !== null)
      this.#tally.add(null, { rule: 'data/file-name', where: 'file name', what: showValue(name) });
    try {
      for await (const batch of readRows(this.#options.file, { signal: this.#options.signal })) {
        await this.#checkBatch(batch);
        this.#options.onProgress?.(batch.progress);
      }
      this.#isComplete = true;
    } catch (error) {
      if (!(error instanceof JsonArrayError)) throw error;
      this.#tally.add(error.row, { rule: error.rule, where: `byte ${error.byteOffset}`, what: error.what });
    }
    if (this.#isComplete) this.#judgeFile();
  }

  report(): DataCheckReport {
    const problems = this.#tally.problems();
    return {
      v: 1,
      ok: problems.every((problem) => problem.severity !== 'error'),
      file: this.#options.file,
      images: this.#options.imageRoot ?? null,
      rows: this.#rows,
      validRows: this.#validRows,
      textOnly: this.#textOnly,
      textRuns: this.#textRuns.runs(),
      distinctImages: this.#headers.size,
      estimatedTokens: { max: this.#maxTokens, mean: this.#validRows === 0 ? 0 : this.#sumTokens / this.#validRows },
      problems,
      bytesRead: this.#bytesRead,
      elapsedMs: 0,
    };
  }

  async #checkBatch(batch: RowBatch): Promise<void> {
    const readings = batch.rows.map(readMllmRow);
    await this.#headers.probe(
      new Set(readings.flatMap((reading) => (reading.kind === 'row' ? reading.row.images : []))),
    );
    for (const reading of readings) this.#checkRow(reading);
    this.#hasByteOrderMark = batch.hasByteOrderMark;
    this.#bytesRead = batch.progress.bytesRead;
  }

  #checkRow(reading: MllmReading): void {
    const row = this.#rows;
    this.#rows += 1;
    this.#textRuns.add(reading.kind === 'refused' || reading.row.images.length > 0);
    if (reading.kind === 'refused') {
      // Such a row may well have its images column; whether the file has one is not its problem.
      this.#hasImagesColumn = true;
      this.#add(row, reading.findings);
      return;
    }
    this.#hasImagesColumn ||= reading.hasImagesColumn;
    const { findings, sizes } = this.#imageFindings(reading.row);
    const estimate = estimateTokens(reading.row, sizes, this.#options.tokens);
    const all = [
      ...conversationFindings(reading.row.messages, reading.row.images.length, this.#options.reservedTokens),
      ...findings,
      ...lengthFindings(estimate, this.#options.sequenceLength, () =>
        isImageCut(reading.row, sizes, this.#options.tokens, this.#options.sequenceLength),
      ),
    ];
    this.#add(row, all);
    if (all.some((finding) => DATA_RULES[finding.rule].severity === 'error')) return;
    this.#validRows += 1;
    if (reading.row.images.length === 0) this.#textOnly += 1;
    const total = estimate.text + estimate.images;
    this.#maxTokens = Math.max(this.#maxTokens, total);
    this.#sumTokens += total;
  }

  #imageFindings(row: MllmRow): { findings: Finding[]; sizes: PixelSize[] } {
    const findings: Finding[] = [];
    const sizes: PixelSize[] = [];
    for (const [index, name] of row.images.entries()) {
      const header = this.#headers.get(name);
      if (header?.kind === 'size') sizes.push(header.size);
      else if (header !== undefined)
        findings.push({ rule: header.rule, where: `images[${index}]`, what: `${showValue(name)}: ${header.what}` });
    }
    return { findings, sizes };
  }

  #judgeFile(): void {
    if (this.#hasByteOrderMark)
      this.#tally.add(null, { rule: 'data/byte-order-mark', where: 'byte 0', what: 'U+FEFF before the array' });
    if (this.#rows === 0) {
      this.#tally.add(null, { rule: 'data/empty', where: 'file', what: '0 rows' });
      return;
    }
    if (!this.#hasImagesColumn)
      this.#tally.add(null, {
        rule: 'data/images-column',
        where: 'file',
        what: `none of ${this.#rows} rows has images`,
      });
    if (this.#validRows < this.#options.worldBatch) {
      const { worldBatch } = this.#options;
      const wanted = worldBatch === 1 ? 'at least one is needed' : `the world batch is ${worldBatch}`;
      const what = `${this.#validRows} valid of ${this.#rows} rows, ${wanted}`;
      this.#tally.add(null, { rule: 'data/rows-below-batch', where: 'file', what });
    }
  }

  #add(row: number, findings: readonly Finding[]): void {
    for (const finding of findings) this.#tally.add(row, finding);
  }
}

function lengthFindings(estimate: TokenEstimate, sequenceLength: number, isCut: () => boolean): Finding[] {
  if (estimate.images > sequenceLength) {
    return [
      {
        rule: 'data/images-exceed-sequence',
        where: 'images',
        what: `about ${estimate.images} image tokens, the sequence has ${sequenceLength}`,
      },
    ];
  }
  const total = estimate.images + estimate.text;
  if (total <= sequenceLength) return [];
  const what = `about ${total} tokens, the sequence has ${sequenceLength}`;
  return [{ rule: isCut() ? 'data/image-cut' : 'data/sequence-exceeded', where: 'row', what }];
}
