/** A file that has more names than the folder or file that was measured holds. */
export interface SharedFile {
  /** The same for all names of the file. */
  readonly id: string;
  readonly bytes: number;
  /** Names that it has anywhere. */
  readonly links: number;
  /** Names that it has here. */
  readonly names: number;
}

/** What something takes on the disk: what goes with it for certain, and what goes with the last name of a file only. */
export interface Size {
  readonly bytes: number;
  readonly shared: readonly SharedFile[];
}

/** Bytes that all of these take, each file once. */
export function bytesTaken(sizes: readonly Size[]): number {
  const files = new Map(sizes.flatMap(({ shared }) => shared.map(({ id, bytes }) => [id, bytes] as const)));
  return sum([...sizes.map(({ bytes }) => bytes), ...files.values()]);
}

/** Bytes that become free when these are removed, by each of them: a file counts where its last name goes. */
export function bytesFreed(sizes: readonly Size[]): number[] {
  const gone = new Map<string, number>();
  return sizes.map(({ bytes, shared }) => {
    const last = shared.filter(({ id, links, names }) => {
      gone.set(id, (gone.get(id) ?? 0) + names);
      return gone.get(id) === links;
    });
    return sum([bytes, ...last.map((file) => file.bytes)]);
  });
}

/** Sum of numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
