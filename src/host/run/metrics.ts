import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { IterationReading } from '../../recipes/log-dialect.js';
import { MetricSchema, type AttemptRecord, type Metric } from '../../schemas/attempt.js';
import { makeFolder } from '../make-folder.js';
import { attemptDir } from './attempts.js';

const FILE = 'metrics.jsonl';

/**
 * Writes what one host's logs of an attempt said about its iterations: one file per attempt and host, derived from
 * the whole log each time, so nothing appends to a shared file.
 */
export async function writeMetrics(dir: string, iterations: readonly IterationReading[]): Promise<void> {
  await makeFolder(dir);
  const lines = iterations.map((reading) => JSON.stringify(metricOf(reading)));
  await writeFileAtomic(join(dir, FILE), lines.map((line) => `${line}\n`).join(''));
}

function metricOf(reading: IterationReading): Metric {
  const { iteration, loss, learningRate, gradNorm, elapsedMs, consumedSamples } = reading;
  const { globalBatchSize, tokensPerSample } = reading;
  const step = { iteration, loss, learningRate, gradNorm, elapsedMs, consumedSamples };
  return { v: 1, ...step, globalBatchSize, tokensPerSample };
}

/** First and last loss over all attempts; a later attempt's line of an iteration replaces an earlier one's. */
export async function readLosses(
  workspace: string,
  run: string,
  attempts: readonly AttemptRecord[],
): Promise<{ readonly firstLoss: number | null; readonly lastLoss: number | null }> {
  const byIteration = new Map<number, number | null>();
  for (const { attempt, hosts } of attempts) {
    for (const host of hosts) {
      const metrics = await readMetrics(join(attemptDir(workspace, run, attempt), host));
      for (const { iteration, loss } of metrics) byIteration.set(iteration, loss);
    }
  }
  const sorted = [...byIteration].sort(([a], [b]) => a - b);
  return { firstLoss: sorted[0]?.[1] ?? null, lastLoss: sorted.at(-1)?.[1] ?? null };
}

/** Metric lines of an attempt, of all its hosts, in the order of the iterations. */
export async function attemptMetrics(workspace: string, { run, attempt, hosts }: AttemptRecord): Promise<Metric[]> {
  const dirs = hosts.map((host) => join(attemptDir(workspace, run, attempt), host));
  return (await Promise.all(dirs.map(readMetrics))).flat().sort((a, b) => a.iteration - b.iteration);
}

/**
 * Iteration from which the weights of an attempt cannot be trusted, because its loss was no number soon after: the
 * last one that was logged before, whose own update may have done it; 0 when the first one was it already. Null when
 * all losses were numbers.
 */
export async function spoiledFrom(workspace: string, run: string, attempt: number): Promise<number | null> {
  const dir = attemptDir(workspace, run, attempt);
  const names = await readdir(dir).catch(() => []);
  const metrics = (await Promise.all(names.map((name) => readMetrics(join(dir, name))))).flat();
  const spoiled = metrics.filter(({ loss }) => loss === null).map(({ iteration }) => iteration);
  if (spoiled.length === 0) return null;
  const first = Math.min(...spoiled);
  return Math.max(0, ...metrics.map(({ iteration }) => iteration).filter((iteration) => iteration < first));
}

/** Median time of an iteration in ms over the newest attempt that logged any; null when none did. */
export async function medianIterationMs(workspace: string, attempts: readonly AttemptRecord[]): Promise<number | null> {
  for (const attempt of attempts.toReversed()) {
    const metrics = await attemptMetrics(workspace, attempt);
    const times = metrics.map(({ elapsedMs }) => elapsedMs).filter((ms) => ms !== null);
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    if (median !== undefined) return median;
  }
  return null;
}

async function readMetrics(dir: string): Promise<Metric[]> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [MetricSchema.parse(JSON.parse(line))]));
}
