import type { Output } from './output.js';

/** Some lines at the end of the terminal that are drawn anew; what was printed above stays in the scrollback. */
export interface LiveRegion {
  update(lines: readonly string[]): void;
  /** Leaves the last lines where they are. */
  end(): void;
}

/** Makes a region on stderr; lines must not be wider than the terminal. */
export function createLiveRegion(output: Pick<Output, 'raw'>): LiveRegion {
  let drawn = 0;
  return {
    update(lines) {
      // ECMA-48: CUU moves up, ED erases to the end of the screen; one write, so that nothing flickers.
      const back = drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`;
      output.raw(`${back}${lines.map((line) => `${line}\n`).join('')}`);
      drawn = lines.length;
    },
    end() {
      drawn = 0;
    },
  };
}
