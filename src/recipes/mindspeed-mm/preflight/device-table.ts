/** A chip as `npu-smi info` lists it. Ranks count chips by their physical id. */
export interface Chip {
  readonly npu: number;
  readonly chip: number;
  readonly physicalId: number;
  /** `910B3` on Atlas A2, `Ascend910` on Atlas A3. */
  readonly name: string;
  /** OK, Warning, Alarm, Critical or UNKNOWN. */
  readonly health: string;
  readonly usedMb: number;
  readonly totalMb: number;
}

/** A process that holds memory of a chip. */
export interface DeviceProcess {
  readonly npu: number;
  readonly chip: number;
  /** Pid of this process namespace where the tool tells it, else that of the machine. */
  readonly pid: number;
  /** Empty where the tool prints none. */
  readonly name: string;
  readonly memoryMb: number;
}

/** What `npu-smi info` prints, read by its cells. */
export interface DeviceTable {
  /** Version of the driver; null in a header that has none. */
  readonly driver: string | null;
  readonly chips: readonly Chip[];
  readonly processes: readonly DeviceProcess[];
}

/**
 * Reads the table of `npu-smi info`; null when there is no chip in it. Two lines for each chip; widths of columns, the
 * physical id (newer drivers and Atlas A3 only) and the last column of processes differ between versions, so cells count,
 * not positions.
 */
export function readDeviceTable(text: string): DeviceTable | null {
  const rows = text.split('\n').flatMap(cellsOf);
  const chips: Chip[] = [];
  const processes: DeviceProcess[] = [];
  let named: Named | null = null;
  for (const cells of rows) {
    const process = processIn(cells);
    if (process !== null) processes.push(process);
    const chip = named === null ? null : chipIn(cells, named);
    if (chip !== null) chips.push(chip);
    named = nameIn(cells);
  }
  if (chips.length === 0) return null;
  return { driver: /\bVersion:\s*([\w.+-]+)/.exec(text)?.[1] ?? null, chips, processes };
}

/** Cells of a line between bars; lines of dashes have none. */
function cellsOf(line: string): (readonly string[])[] {
  const text = line.trim();
  return text.startsWith('|')
    ? [
        text
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ]
    : [];
}

type Named = Pick<Chip, 'npu' | 'name' | 'health'>;

/** First line of a chip: `0     910B3 | OK | 91.0  36  0 / 0`. */
function nameIn([id = '', health = '', rest]: readonly string[]): Named | null {
  const [, npu, name] = /^(\d+)\s+(\S*[A-Za-z]\S*)$/.exec(id) ?? [];
  if (npu === undefined || name === undefined || rest === undefined || !/^[A-Za-z]+$/.test(health)) return null;
  return { npu: Number(npu), name, health };
}

/** Second line: `0     0 | 0000:9D:00.0 | 0  0 / 0  3416 / 65536`; the last pair is the memory of the device. */
function chipIn([id = '', , usage = '']: readonly string[], named: Named): Chip | null {
  const [, chip, physicalId] = /^(\d+)(?:\s+(\d+))?$/.exec(id) ?? [];
  const [, used, total] = [...usage.matchAll(/(\d+)\s*\/\s*(\d+)/g)].at(-1) ?? [];
  if (chip === undefined || used === undefined || total === undefined) return null;
  return {
    ...named,
    chip: Number(chip),
    // Without the column a card has one chip, and its number is that of the card.
    physicalId: Number(physicalId ?? named.npu),
    usedMb: Number(used),
    totalMb: Number(total),
  };
}

/** `0  0 | 632268 | python3.1 | 197 | NA`; the last cell is the pid within the container, where there is one. */
function processIn([id = '', pid = '', name = '', memory = '', inner]: readonly string[]): DeviceProcess | null {
  const [, npu, chip] = /^(\d+)(?:\s+(\d+))?$/.exec(id) ?? [];
  if (npu === undefined || !/^\d+$/.test(pid) || !/^\d+$/.test(memory)) return null;
  const isInner = inner !== undefined && /^\d+$/.test(inner);
  return {
    npu: Number(npu),
    chip: Number(chip ?? 0),
    pid: Number(isInner ? inner : pid),
    name,
    memoryMb: Number(memory),
  };
}

/** `Key : value` lines of the narrower queries of `npu-smi`, with keys in small letters; frames of tables are dropped. */
export function readFields(text: string): ReadonlyMap<string, string> {
  const pieces = text.split('\n').flatMap((line) => line.split('|'));
  return new Map(
    pieces.flatMap((piece) => {
      const [, key, value] = /^\s*([A-Za-z][\w ()-]*?)\s*:\s*(\S.*?)\s*$/.exec(piece) ?? [];
      return key === undefined || value === undefined ? [] : [[key.toLowerCase(), value] as const];
    }),
  );
}
