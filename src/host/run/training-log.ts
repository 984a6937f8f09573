import { rankLogPath } from '../keeper/paths.js';
import { grownAt } from './grown-at.js';
import { StartWatch } from './start-watch.js';
import { readLog } from '../processes/tail.js';
import type { IterationReading, LogDialect, LogEvent, TrainingPhase } from '../../recipes/log-dialect.js';

/** What the logs of one host's ranks have said so far. */
export interface TrainingReading {
  readonly phase: TrainingPhase;
  readonly last: IterationReading | null;
  readonly saved: number | null;
  readonly hasEnded: boolean;
  readonly fatal: Extract<LogEvent, { kind: 'fatal' }> | null;
  /** When it was written, RFC 3339, as closely as known: when its file last grew before it was read. */
  readonly fatalAt: string | null;
  /** When the last iteration line was seen, by this host's clock. */
  readonly lastStepAt: number;
}

/**
 * Follows the logs of some ranks from their beginning. It can be made anew at any time: everything is derived
 * from the files by byte offset, so a worker that takes over sees what its predecessor saw.
 */
export class TrainingLog {
  readonly #files: { readonly path: string; readonly start: StartWatch | null; offset: number }[];
  readonly #dialect: LogDialect;
  readonly iterations: IterationReading[] = [];
  #reads = 0;
  #firstSeenAt: string | null = null;
  #rows: { readonly begin?: number; readonly end?: number } = {};
  #reading: TrainingReading = {
    phase: 'starting',
    last: null,
    saved: null,
    hasEnded: false,
    fatal: null,
    fatalAt: null,
    lastStepAt: Date.now(),
  };

  /** `frozen`: modules that rank 0 must name as not trained. */
  constructor(keeperDir: string, ranks: readonly number[], dialect: LogDialect, frozen?: readonly string[]) {
    const proof = { frozen: frozen ?? null, mustTell: dialect.mustTell ?? [] };
    this.#files = ranks.map((rank) => ({
      path: rankLogPath(keeperDir, rank, 'out'),
      start: rank === 0 ? new StartWatch(proof) : null,
      offset: 0,
    }));
    this.#dialect = dialect;
  }

  /** Reads on to the present end of all files. */
  async read(): Promise<TrainingReading> {
    for (const file of this.#files) {
      for (;;) {
        const chunk = await readLog(file.path, file.offset);
        const grown = chunk.lines.length === 0 ? null : await grownAt(file.path);
        for (const line of chunk.lines)
          for (const event of this.#dialect.read(line)) this.#take(event, grown, file.start);
        const isAtEnd = chunk.nextOffset === file.offset || chunk.nextOffset >= chunk.sizeBytes;
        file.offset = chunk.nextOffset;
        if (isAtEnd) break;
      }
    }
    this.#reads += 1;
    return this.#reading;
  }

  /** Mean time of an iteration, ms; null when none was logged with its time. */
  get meanStepMs(): number | null {
    const times = this.iterations.flatMap(({ elapsedMs }) => elapsedMs ?? []);
    return times.length === 0 ? null : times.reduce((sum, ms) => sum + ms, 0) / times.length;
  }

  /** Time that the ranks took to prepare the rows, ms; null where the log does not tell. */
  get rowsMs(): number | null {
    const { begin, end } = this.#rows;
    return begin === undefined || end === undefined || end < begin ? null : end - begin;
  }

  /**
   * When the first iteration was logged, RFC 3339: seen as it came, or reckoned back from `lastAt`, when the log last
   * grew (saves lie between, so that is on the early side). Null without an iteration.
   */
  firstIterationAt(lastAt: string | null): string | null {
    if (this.iterations.length === 0) return null;
    if (this.#firstSeenAt !== null || lastAt === null) return this.#firstSeenAt;
    const restMs = this.iterations.slice(1).reduce((sum, { elapsedMs }) => sum + (elapsedMs ?? 0), 0);
    return new Date(Date.parse(lastAt) - restMs).toISOString();
  }

  #take(event: LogEvent, grown: string | null, start: StartWatch | null): void {
    const hadFatal = this.#reading.fatal !== null;
    const broken = start?.take(event) ?? null;
    this.#reading = next(broken === null ? this.#reading : next(this.#reading, broken), event);
    if (!hadFatal && this.#reading.fatal !== null) this.#reading = { ...this.#reading, fatalAt: grown };
    if (event.kind === 'phase' && event.rows !== undefined)
      this.#rows = { ...this.#rows, [event.rows.mark]: event.rows.at };
    if (event.kind !== 'iteration') return;
    // A first look finds what was there before: only what appears between two looks was seen as it came.
    if (this.iterations.length === 0 && this.#reads > 0) this.#firstSeenAt = grown;
    this.iterations.push(event);
  }
}

/** Weights that gave one loss that is no number are lost: nothing after it counts. */
function notANumber({ iteration, loss, isSkipped }: IterationReading): TrainingReading['fatal'] {
  return loss === null && isSkipped !== true
    ? { kind: 'fatal', id: 'loss-not-a-number', text: `iteration ${iteration} has no finite loss` }
    : null;
}

function next(reading: TrainingReading, event: LogEvent): TrainingReading {
  switch (event.kind) {
    case 'iteration':
      return {
        ...reading,
        phase: 'training',
        last: event,
        lastStepAt: Date.now(),
        fatal: reading.fatal ?? notANumber(event),
      };
    case 'frozen':
    case 'told':
      return reading;
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
