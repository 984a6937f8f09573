import { rankLogPath } from '../keeper/paths.js';
import { readLog } from '../processes/tail.js';
import type { IterationReading, LogDialect, LogEvent, TrainingPhase } from '../../recipes/recipe.js';

/** What the logs of one host's ranks have said so far. */
export interface TrainingReading {
  readonly phase: TrainingPhase;
  readonly last: IterationReading | null;
  readonly saved: number | null;
  readonly hasEnded: boolean;
  readonly fatal: Extract<LogEvent, { kind: 'fatal' }> | null;
  /** When the last iteration line was seen, by this host's clock. */
  readonly lastStepAt: number;
}

/**
 * Follows the logs of some ranks from their beginning. It can be made anew at any time: everything is derived
 * from the files by byte offset, so a worker that takes over sees what its predecessor saw.
 */
export class TrainingLog {
  readonly #files: { readonly path: string; offset: number }[];
  readonly #dialect: LogDialect;
  readonly iterations: IterationReading[] = [];
  #reading: TrainingReading = {
    phase: 'starting',
    last: null,
    saved: null,
    hasEnded: false,
    fatal: null,
    lastStepAt: Date.now(),
  };

  constructor(keeperDir: string, ranks: readonly number[], dialect: LogDialect) {
    this.#files = ranks.map((rank) => ({ path: rankLogPath(keeperDir, rank, 'out'), offset: 0 }));
    this.#dialect = dialect;
  }

  /** Reads on to the present end of all files. */
  async read(): Promise<TrainingReading> {
    for (const file of this.#files) {
      for (;;) {
        const chunk = await readLog(file.path, file.offset);
        for (const line of chunk.lines) this.#take(line);
        const isAtEnd = chunk.nextOffset === file.offset || chunk.nextOffset >= chunk.sizeBytes;
        file.offset = chunk.nextOffset;
        if (isAtEnd) break;
      }
    }
    return this.#reading;
  }

  #take(line: string): void {
    const event = this.#dialect.read(line);
    if (event === null) return;
    this.#reading = next(this.#reading, event);
    if (event.kind === 'iteration') this.iterations.push(event);
  }
}

function next(reading: TrainingReading, event: LogEvent): TrainingReading {
  switch (event.kind) {
    case 'iteration':
      return { ...reading, phase: 'training', last: event, lastStepAt: Date.now() };
    case 'saved':
      return { ...reading, phase: 'training', saved: event.iteration };
    case 'phase':
      return { ...reading, phase: event.phase };
    case 'ended':
      return { ...reading, phase: 'done', hasEnded: true };
    case 'fatal':
      return { ...reading, fatal: reading.fatal ?? event };
  }
}
