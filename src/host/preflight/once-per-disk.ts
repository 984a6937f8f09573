import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';

/** Launches are further apart than this. */
const FRESH_MS = 5_000;

interface Measured<T> {
  readonly id: string;
  readonly value: T;
}

const measured = new Map<string, { readonly startedAt: number; readonly result: Promise<Measured<unknown>> }>();

/**
 * Measures a file system once for all hosts that this process serves: a hundred simulated hosts on one disk would
 * measure each other. The id names the measurement.
 */
export async function oncePerDisk<T>(kind: string, dir: string, measure: () => Promise<T>): Promise<Measured<T>> {
  const { dev } = await stat(dir);
  const key = `${kind} ${dev}`;
  const known = measured.get(key);
  if (known !== undefined && performance.now() - known.startedAt < FRESH_MS) {
    // Safe: a kind is measured by one function only, so what is under its name has that type.
    return (await known.result) as Measured<T>;
  }
  const result = measure().then((value) => ({ id: randomUUID(), value }));
  measured.set(key, { startedAt: performance.now(), result });
  return result;
}
