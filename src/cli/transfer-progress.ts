import { createLiveRegion } from './live-region.js';
import type { Output } from './output.js';
import { showBytes } from '../domain/text/show-bytes.js';
import { showDuration } from './render/units.js';

/** How far something with a size in bytes has come; null while the size is not known. */
export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number | null;
  readonly doneFiles: number;
  readonly files: number;
}

/** Redrawing faster than this only costs time; a line of a log is worth writing less often. */
const REDRAW_MS = 200;
const LINE_MS = 5_000;
/** The rate of the last while, not of all: after a pause the time left is told anew. */
const WINDOW_MS = 30_000;

/** Shows how far a download or an unpacking has come: a line that is redrawn on a terminal, a line now and then else. */
export function tellTransfer(
  output: Output,
  name: string,
): { tell(progress: TransferProgress): void; note(text: string): void; end(): void } {
  const region = createLiveRegion(output);
  let drawnAt = 0;
  let marks: readonly { readonly at: number; readonly bytes: number }[] = [];
  return {
    tell(progress) {
      const now = performance.now();
      if (now - drawnAt < (output.isLive ? REDRAW_MS : LINE_MS)) return;
      drawnAt = now;
      marks = [...marks.filter(({ at }) => now - at < WINDOW_MS), { at: now, bytes: progress.doneBytes }];
      const line = `${name}: ${progressText(progress, rateOf(marks))}`;
      if (output.isLive) region.update([line]);
      else output.note(line);
    },
    note(text) {
      region.end();
      output.note(text);
    },
    end() {
      region.end();
    },
  };
}

function progressText({ doneBytes, totalBytes, doneFiles, files }: TransferProgress, rate: number | null): string {
  const of = totalBytes === null ? '' : ` of ${showBytes(totalBytes)}`;
  const share = files === 1 ? '' : `, ${doneFiles} of ${files} files`;
  const speed = rate === null ? '' : `, ${showBytes(rate)}/s`;
  const left =
    rate === null || rate <= 0 || totalBytes === null || totalBytes <= doneBytes
      ? ''
      : `, ${showDuration(((totalBytes - doneBytes) / rate) * 1_000)} left`;
  return `${showBytes(doneBytes)}${of}${share}${speed}${left}`;
}

function rateOf(marks: readonly { readonly at: number; readonly bytes: number }[]): number | null {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1_000);
}
