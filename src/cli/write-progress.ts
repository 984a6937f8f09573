import { createLiveRegion } from './live-region.js';
import type { Output } from './output.js';
import { showBytes } from '../domain/text/show-bytes.js';

/** Redrawing faster than this only costs time. */
const REDRAW_MS = 200;
/** Under a keeper nobody sees a line redrawn; the newest note is what status shows. */
const NOTE_MS = 10_000;

/** Tells how much of a large folder was written: redrawn on a terminal, a line now and then elsewhere. */
export function tellWriteProgress(
  output: Output,
  what: string,
): { tell(doneBytes: number, totalBytes: number): void; end(): void } {
  const region = createLiveRegion(output);
  let toldAt = performance.now();
  return {
    tell(doneBytes, totalBytes) {
      const now = performance.now();
      if (now - toldAt < (output.isLive ? REDRAW_MS : NOTE_MS)) return;
      toldAt = now;
      const text = `${what}: ${showBytes(doneBytes)} of ${showBytes(totalBytes)}`;
      if (output.isLive) region.update([text]);
      else output.note(text);
    },
    end() {
      region.end();
    },
  };
}
