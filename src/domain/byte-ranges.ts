/** Bytes from the first to before the second. */
export type ByteRange = readonly [from: number, to: number];

/** The ranges with one more: sorted, without overlaps, touching ones joined. */
export function addRange(ranges: readonly ByteRange[], [from, to]: ByteRange): ByteRange[] {
  if (to <= from) return [...ranges];
  const apart = ranges.filter(([a, b]) => b < from || a > to);
  const touching = ranges.filter(([a, b]) => b >= from && a <= to);
  const joined: ByteRange = [Math.min(from, ...touching.map(([a]) => a)), Math.max(to, ...touching.map(([, b]) => b))];
  return [...apart, joined].sort(([a], [b]) => a - b);
}

/** What of a file of this size the ranges leave out. */
export function missingRanges(ranges: readonly ByteRange[], bytes: number): ByteRange[] {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const [from, to] of ranges) {
    if (from > at) missing.push([at, Math.min(from, bytes)]);
    at = Math.max(at, to);
  }
  if (at < bytes) missing.push([at, bytes]);
  return missing.filter(([from, to]) => from < to);
}

/** The same bytes in pieces of at most `pieceBytes`. */
export function splitRanges(ranges: readonly ByteRange[], pieceBytes: number): ByteRange[] {
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: Math.ceil((to - from) / pieceBytes) }, (_, index): ByteRange => {
      const start = from + index * pieceBytes;
      return [start, Math.min(start + pieceBytes, to)];
    }),
  );
}

/** Number of bytes in the ranges. */
export function countBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from, 0);
}
