/** The candidate that is most likely meant by `text`, or null when none is near. */
export function suggest(text: string, candidates: readonly string[]): string | null {
  const plain = normalise(text);
  const same = candidates.find((candidate) => normalise(candidate) === plain);
  if (same !== undefined) return same;
  // A third of the letters may be wrong; names under three letters have no near neighbours worth guessing.
  const limit = Math.min(3, Math.floor(plain.length / 3));
  let best: { readonly candidate: string; readonly distance: number } | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(plain, normalise(candidate));
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** `learning_rate`, `learning-rate` and `LearningRate` are the same word to a person. */
function normalise(text: string): string {
  return text
    .slice(0, 100)
    .replaceAll(/[_\s-]/g, '')
    .toLowerCase();
}

/** Number of single-character insertions, deletions, replacements and swaps of neighbours between two texts. */
export function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const plain = Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next.push(isSwap ? Math.min(plain, (beforeLast[column - 2] ?? 0) + 1) : plain);
    }
    beforeLast = last;
    last = next;
  }
  return last[b.length] ?? a.length;
}
