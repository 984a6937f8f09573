import { durationMs } from '../../../schemas/units.js';
import type { TrainingFacts } from './facts.js';

/** What the code waits at least, in minutes: its own default. */
const DEFAULT_MINUTES = 10;
/** A loaded file system or host may take twice what was measured on a quiet one. */
const MARGIN = 2;
/** Rows a second that one preprocessing worker tokenizes, until it was measured: upstream calls 150,000 rows with 16 workers slower than 10 minutes. */
const ROWS_PER_WORKER_SECOND = 10;
const DEFAULT_WORKERS = 16;
/** Bytes a second that a gang writes, until it was measured: 430 GB in 15 minutes. */
const WRITE_BYTES_PER_SECOND = 480_000_000;
/** Weights in F32, and two moments of those that learn, of a model with 106 billion parameters. */
const WEIGHTS_BYTES = 430_000_000_000;
const MOMENTS_BYTES = 855_000_000_000;

/**
 * Minutes that ranks wait for each other in torch (`--distributed-timeout-minutes`). The longest waits are those for the
 * first rank of a host that tokenizes the rows, and for a save; the code's own 10 minutes end both for a real data set.
 */
export function distributedTimeoutMinutes({
  spec,
  data,
  measured,
}: Pick<TrainingFacts, 'spec' | 'data' | 'measured'>): number {
  const { dataLoader, checkpoint, distributedTimeout: stated } = spec.train;
  if (stated !== undefined) return Math.max(1, Math.ceil(durationMs(stated) / 60_000));
  const workers = dataLoader?.preprocessWorkers ?? DEFAULT_WORKERS;
  const perSecond = measured.preprocessRowsPerSecond ?? workers * ROWS_PER_WORKER_SECOND;
  // On the fly nobody waits for all rows.
  const isAhead = dataLoader?.preprocessOnFly !== true && dataLoader?.streaming !== true;
  const preprocessMs = isAhead && data.rows !== null ? (data.rows / perSecond) * 1_000 : 0;
  const bytes = WEIGHTS_BYTES + (checkpoint.fidelity === 'full' ? MOMENTS_BYTES : 0);
  const saveMs = measured.saveMs ?? (bytes / WRITE_BYTES_PER_SECOND) * 1_000;
  return Math.max(DEFAULT_MINUTES, Math.ceil((MARGIN * Math.max(preprocessMs, saveMs)) / 60_000));
}
