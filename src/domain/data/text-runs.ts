import type { TextRun } from '../../schemas/data.js';

/** Rows after which a loader of Hugging Face `datasets` decides what a column is: `DEFAULT_MAX_BATCH_SIZE` there. */
const DECIDING_ROWS = 1_000;

/** Finds rows without an image that follow each other, as far as they matter: many, or at an end of the file. */
export class TextRuns {
  readonly #found: TextRun[] = [];
  #rows = 0;
  #start = 0;

  /** Takes the next row. */
  add(hasImage: boolean): void {
    if (hasImage) {
      this.#close();
      this.#start = this.#rows + 1;
    }
    this.#rows += 1;
  }

  /** The runs of the rows so far. */
  runs(): TextRun[] {
    return this.#rows === this.#start ? [...this.#found] : [...this.#found, { start: this.#start, end: this.#rows }];
  }

  #close(): void {
    const isLong = this.#rows - this.#start >= DECIDING_ROWS;
    if (isLong || (this.#start === 0 && this.#rows > 0)) this.#found.push({ start: this.#start, end: this.#rows });
  }
}

/** Rows and text runs of one file. */
interface FileRuns {
  readonly file: string;
  readonly rows: number;
  readonly textRuns: readonly TextRun[];
}

/**
 * First row with an image that ends a loader: it gives each worker one of equal parts of all files' rows, and where the
 * first thousand of a part have no image, images are taken for nothing there, until one comes. Null where none does.
 */
export function firstLateImage(
  files: readonly FileRuns[],
  workers: number,
): { readonly file: string; readonly row: number } | null {
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const runs = joinRuns(files);
  const [size, rest] = [Math.floor(rows / workers), rows % workers];
  for (let worker = 0; worker < workers; worker += 1) {
    const start = size * worker + Math.min(worker, rest);
    const end = start + size + (worker < rest ? 1 : 0);
    const late = runs.find((run) => run.start <= start && run.end - start >= DECIDING_ROWS && run.end < end);
    if (late !== undefined) return locate(files, late.end);
  }
  return null;
}

/** Runs of all files one after the other; those that meet are one. */
function joinRuns(files: readonly FileRuns[]): readonly TextRun[] {
  const joined: TextRun[] = [];
  let offset = 0;
  for (const { rows, textRuns } of files) {
    for (const run of textRuns) {
      const [start, end] = [offset + run.start, offset + run.end];
      const last = joined.at(-1);
      if (last?.end === start) joined.splice(-1, 1, { start: last.start, end });
      else joined.push({ start, end });
    }
    offset += rows;
  }
  return joined;
}

function locate(files: readonly FileRuns[], joinedRow: number): { readonly file: string; readonly row: number } | null {
  let row = joinedRow;
  for (const { file, rows } of files) {
    if (row < rows) return { file, row };
    row -= rows;
  }
  return null;
}
