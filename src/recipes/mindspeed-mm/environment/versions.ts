/** How a version stands to another. `unknown`: one of them has no number to go by. */
export type Standing = 'same' | 'newer' | 'older' | 'unknown';

/**
 * Compares versions as vendors and Python packages write them: `8.3.RC1` is before `8.3.0`; `2.7.1.post2` and
 * `2.7.1+cpu` count as `2.7.1`, build `8.3.RC1.B106` as `8.3.RC1`.
 */
export function compareVersions(found: string, wanted: string): Standing {
  const left = partsOf(found);
  const right = partsOf(wanted);
  if (left.length === 0 || right.length === 0) return 'unknown';
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference > 0 ? 'newer' : 'older';
  }
  return 'same';
}

/** Candidates count below the release that they become: RC1 is -999, anything more preliminary -2000. */
function partsOf(version: string): number[] {
  const base = version.replace(/\+.*$/, '').replace(/\.(?:post|B)\d+$/i, '');
  if (!/^\d/.test(base)) return [];
  const parts = base.split(/[.-]/).flatMap((part) => {
    const split = /^(\d+)([a-z]\w*)$/i.exec(part);
    return split === null ? [part] : [split[1] ?? '', split[2] ?? ''];
  });
  return parts.map((part) => {
    if (/^\d+$/.test(part)) return Number(part);
    const candidate = /^rc(\d+)$/i.exec(part)?.[1];
    return candidate === undefined ? -2_000 : Number(candidate) - 1_000;
  });
}
