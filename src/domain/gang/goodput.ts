/** What an attempt did. */
export interface AttemptWork {
  /** Iteration that it started from; null is the converted weights. */
  readonly from: number | null;
  /** Iteration up to which its work is kept: the newest proven checkpoint after it, or its last one. */
  readonly kept: number | null;
  /** Mean time of an iteration, ms; null when none was logged. */
  readonly stepMs: number | null;
}

/** Time that an attempt spent on iterations that count, ms: what is trained again later was for nothing. */
export function usefulMs({ from, kept, stepMs }: AttemptWork): number {
  if (kept === null || stepMs === null) return 0;
  return Math.max(0, kept - (from ?? 0)) * stepMs;
}

/** Useful time / all time of the gang, 0 to 1; null before any time has passed. */
export function goodput(usefulTimeMs: number, allMs: number): number | null {
  return allMs > 0 ? Math.min(1, Math.max(0, usefulTimeMs / allMs)) : null;
}
