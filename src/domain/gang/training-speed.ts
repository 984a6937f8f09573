/** What an iteration line tells of the speed; null or absent where it does not. */
export interface TimedIteration {
  readonly iteration: number;
  /** Iterations of the whole training. */
  readonly of: number;
  readonly elapsedMs: number | null;
  readonly globalBatchSize?: number | null;
  /** Mean over the samples of the iteration. */
  readonly tokensPerSample?: number | null;
}

/** How fast a training is, and how long it takes on. */
export interface TrainingSpeed {
  readonly tokensPerSecond?: number;
  /** Of the iterations that are left, without saves and restarts. */
  readonly remainingMs?: number;
}

/** Iterations that are looked back: enough that one slow one does not count. */
const RECENT = 20;

/** The speed by the median of the newest iterations: the first of an attempt takes many times as long as the others. */
export function trainingSpeed(iterations: readonly TimedIteration[]): TrainingSpeed {
  const recent = iterations.slice(-RECENT).filter(({ elapsedMs }) => elapsedMs !== null && elapsedMs > 0);
  const stepMs = median(recent.flatMap(({ elapsedMs }) => elapsedMs ?? []));
  const rate = median(recent.flatMap(tokensPerSecond));
  const last = iterations.at(-1);
  return {
    ...(rate === null ? {} : { tokensPerSecond: rate }),
    ...(stepMs === null || last === undefined
      ? {}
      : { remainingMs: Math.round(Math.max(0, last.of - last.iteration) * stepMs) }),
  };
}

function tokensPerSecond({ elapsedMs, globalBatchSize, tokensPerSample }: TimedIteration): number[] {
  if (!elapsedMs || !globalBatchSize || !tokensPerSample) return [];
  return [(globalBatchSize * tokensPerSample * 1_000) / elapsedMs];
}

/** The middle value, of an even number the upper one of the two. */
function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}
