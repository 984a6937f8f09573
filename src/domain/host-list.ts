/** Names that count up from here on are told as one; fewer are read more easily in full. */
const LEAST_TOLD_AS_ONE = 4;

/**
 * Host names in few words, in their order: `h[001-128]` for 128 names that differ by a number that counts up. A gang of
 * 256 hosts would otherwise fill calls and records with their names. Brackets are in no host name.
 */
export function packHosts(names: readonly string[]): string[] {
  const packed: string[] = [];
  for (let from = 0; from < names.length;) {
    const to = endOfCount(names, from);
    const first = names[from] ?? '';
    if (to - from < LEAST_TOLD_AS_ONE) {
      packed.push(...names.slice(from, to));
    } else {
      const { head, digits, tail } = partsOf(first);
      packed.push(`${head}[${digits}-${partsOf(names[to - 1] ?? '').digits}]${tail}`);
    }
    from = to;
  }
  return packed;
}

/** The names that `packHosts` told; plain names are taken as they are. */
export function unpackHosts(packed: readonly string[]): string[] {
  return packed.flatMap((name) => {
    const [, head = '', first, last, tail = ''] = /^(.*)\[(\d+)-(\d+)\](.*)$/.exec(name) ?? [];
    if (first === undefined || last === undefined) return [name];
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: Math.max(0, count) }, (_, index) => head + numbered(first, index) + tail);
  });
}

/** Index behind the longest row of names that begins at one and counts up. */
function endOfCount(names: readonly string[], from: number): number {
  const { head, digits, tail } = partsOf(names[from] ?? '');
  let to = from + 1;
  if (digits === '') return to;
  while (names[to] === head + numbered(digits, to - from) + tail) to += 1;
  return to;
}

interface Parts {
  readonly head: string;
  readonly digits: string;
  readonly tail: string;
}

/** Numbers of sites and racks stand in front or behind a dot: hosts are counted by the last one before the domain. */
function partsOf(name: string): Parts {
  const [, head = name, digits = '', tail = ''] = /^([^.]*?)(\d+)(\D*(?:\..*)?)$/.exec(name) ?? [];
  return { head, digits, tail };
}

/** A number so much later, as wide as it. */
function numbered(digits: string, later: number): string {
  return String(Number(digits) + later).padStart(digits.length, '0');
}
