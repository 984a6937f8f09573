import { allAttempts } from '../../../src/host/run/attempts.js';
import { attemptMetrics } from '../../../src/host/run/metrics.js';
import type { FaultSite } from './fault-site.js';
import { rankLog } from './training-processes.js';

/** One iteration of the curve: its number and its loss as it was printed. */
export interface Point {
  readonly iteration: number;
  readonly loss: string;
}

/** What an attempt logged, in the order of the lines. */
export interface Segment {
  readonly attempt: number;
  /** Iteration of the checkpoint that it loaded; 0 for the converted weights. */
  readonly from: number;
  readonly points: readonly Point[];
  /** First iteration that was logged without a loss, or with one that is no number. */
  readonly spoiledAt: number | null;
}

/** A line that a killed rank left half is none. */
const LINE = / iteration +(\d+)\/ .*? loss: ([^ |]+) \|.* number of nan iterations/;

/** An iteration whose loss was no number is logged without it. */
const SPOILED = / iteration +(\d+)\/ (?!.* loss: [-+\d.])[^\n]* number of nan iterations/;

/** Segments of all attempts of a run, from the logs of the last rank. */
export async function readSegments(site: FaultSite, run: string, lastRank: number): Promise<readonly Segment[]> {
  const attempts = await allAttempts(site.workspace, run);
  return attempts.map(({ attempt, load }) => {
    const log = rankLog(site, run, attempt, lastRank, 'out');
    const spoiledAt = SPOILED.exec(log)?.[1];
    return {
      attempt,
      from: load.iteration ?? 0,
      points: log.split('\n').flatMap((line) => {
        const [, iteration, loss] = LINE.exec(line) ?? [];
        return iteration === undefined || loss === undefined ? [] : [{ iteration: Number(iteration), loss }];
      }),
      spoiledAt: spoiledAt === undefined ? null : Number(spoiledAt),
    };
  });
}

/** The curve of the training that counts: what a later attempt did again from its checkpoint replaces the earlier. */
export function mergeSegments(segments: readonly Segment[]): readonly Point[] {
  return segments.reduce<readonly Point[]>(
    (curve, { from, points }) => [...curve.filter(({ iteration }) => iteration <= from), ...points],
    [],
  );
}

/** The same from Temper's own metric files, as numbers. */
export async function readMetricsCurve(
  site: FaultSite,
  run: string,
): Promise<readonly { readonly iteration: number; readonly loss: number | null }[]> {
  let curve: { iteration: number; loss: number | null }[] = [];
  for (const record of await allAttempts(site.workspace, run)) {
    const from = record.load.iteration ?? 0;
    const metrics = await attemptMetrics(site.workspace, record);
    curve = [
      ...curve.filter(({ iteration }) => iteration <= from),
      ...metrics.map(({ iteration, loss }) => ({ iteration, loss })),
    ];
  }
  return curve;
}
