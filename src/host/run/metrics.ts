import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MetricSchema, type AttemptRecord, type Metric } from '../../schemas/attempt.js';
import { attemptDir } from './attempts.js';

/** Metric lines of an attempt, of all its hosts, in the order of the iterations. */
export async function readMetrics(workspace: string, { run, attempt, hosts }: AttemptRecord): Promise<Metric[]> {
  const metrics: Metric[] = [];
  for (const host of hosts) {
    const text = await readFile(join(attemptDir(workspace, run, attempt), host, 'metrics.jsonl'), 'utf8').catch(() => '');
    for (const line of text.split('\n')) if (line !== '') metrics.push(MetricSchema.parse(JSON.parse(line)));
  }
  return metrics.sort((a, b) => a.iteration - b.iteration);
}

/** Median time of an iteration in ms over the newest attempt that logged any; null when none did. */
export async function medianIterationMs(workspace: string, attempts: readonly AttemptRecord[]): Promise<number | null> {
  for (const attempt of attempts.toReversed()) {
    const times = (await readMetrics(workspace, attempt)).map(({ elapsedMs }) => elapsedMs).filter((ms) => ms !== null);
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    if (median !== undefined) return median;
  }
  return null;
}
