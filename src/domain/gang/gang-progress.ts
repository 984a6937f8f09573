/** How far hosts of a gang saw it come; null where they cannot tell. */
export interface GangProgress {
  readonly iteration: number | null;
  /** When its ranks last wrote into the workspace, ms by the clock of the file system. */
  readonly writtenAtMs: number | null;
}

/** What one host answered; the field is missing from hosts of an older version. */
export interface Look {
  readonly lastIteration: number | null;
  readonly writtenAtMs?: number | null | undefined;
}

/** The newest of what several hosts saw. */
export function newestOf(looks: readonly Look[]): GangProgress {
  return {
    iteration: greatest(looks.flatMap(({ lastIteration }) => lastIteration ?? [])),
    writtenAtMs: greatest(looks.flatMap(({ writtenAtMs }) => writtenAtMs ?? [])),
  };
}

/**
 * Whether a gang moved between two looks. Iterations are logged on one host only: when just that one is not heard, its
 * files in the workspace are what tells.
 */
export function hasAdvanced(from: GangProgress, to: GangProgress): boolean {
  return isGreater(to.iteration, from.iteration) || isGreater(to.writtenAtMs, from.writtenAtMs);
}

function isGreater(later: number | null, earlier: number | null): boolean {
  return later !== null && (earlier === null || later > earlier);
}

function greatest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
