import type { DataProgress } from '../schemas/data.js';
import { createLiveRegion } from './live-region.js';
import type { Output } from './output.js';
import { showBytes } from '../domain/text/show-bytes.js';

/** Redrawing faster than this only costs time. */
const REDRAW_MS = 200;

/** Shows how far a conversion or check has come, on a terminal only. */
export function tellDataProgress(output: Output): { tell(progress: DataProgress): void; end(): void } {
  const region = createLiveRegion(output);
  let drawnAt = 0;
  return {
    tell({ bytesRead, bytesTotal, rows }) {
      const now = performance.now();
      if (!output.isLive || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      region.update([`${rows} rows, ${showBytes(bytesRead)} of ${showBytes(bytesTotal)}`]);
    },
    end() {
      region.end();
    },
  };
}
