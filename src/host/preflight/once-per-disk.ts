import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';

/** Hosts of one process that look at the same time share what they see; launches are further apart than this. */
const SHARED_MS = 5_000;
/**
 * How long what went well stands: trainings that follow each other on a host need not wait seconds for the same number.
 * What was refused is tried again by the next launch, because somebody may have freed the disk.
 */
const STANDS_MS = 60_000;

interface Measured<T> {
  readonly id: string;
  readonly value: T;
}

interface Known {
  readonly startedAt: number;
  readonly result: Promise<Measured<unknown>>;
  /** How long it stands, which is known once it is there. */
  standsMs: number;
}

const measured = new Map<string, Known>();

/**
 * Measures a file system once for all hosts that this process serves: a hundred simulated hosts on one disk would
 * measure each other. The id names the measurement.
 */
export async function oncePerDisk<T>(
  kind: string,
  dir: string,
  measure: () => Promise<T>,
  isWell: (value: T) => boolean,
): Promise<Measured<T>> {
  const { dev } = await stat(dir);
  const key = `${kind} ${dev}`;
  const known = measured.get(key);
  if (known !== undefined && performance.now() - known.startedAt < known.standsMs) {
    // Safe: a kind is measured by one function only, so what is under its name has that type.
    return (await known.result) as Measured<T>;
  }
  const result = measure().then((value) => ({ id: randomUUID(), value }));
  const entry: Known = { startedAt: performance.now(), result, standsMs: SHARED_MS };
  measured.set(key, entry);
  const { value } = await result;
  if (isWell(value)) entry.standsMs = STANDS_MS;
  return result;
}
