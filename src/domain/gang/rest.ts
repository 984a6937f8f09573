/**
 * How long to wait for a silent host in one go, about which nothing has to be decided for `leftMs`: as long as it has
 * been silent. The calls of a silence of a day are then about as many as those of an hour, and what a call leaves in a
 * history, which must not fill up, hardly counts.
 */
export function restMs(silentMs: number, leftMs: number): number {
  return Math.max(0, Math.min(silentMs, leftMs));
}
