/** What one host answered about its software. */
export interface HostLock {
  readonly host: string;
  readonly lock: Readonly<Record<string, string>>;
}

/** Where hosts differ from the first one, as readable lines: `torch: h1 has 2.13.0, h2 has 2.12.1`. */
export function differingLocks(answers: readonly HostLock[]): string[] {
  const [first, ...others] = answers;
  if (first === undefined) return [];
  return others.flatMap(({ host, lock }) =>
    [...new Set([...Object.keys(first.lock), ...Object.keys(lock)])]
      .filter((name) => first.lock[name] !== lock[name])
      .map((name) => `${name}: ${first.host} has ${first.lock[name] ?? 'none'}, ${host} has ${lock[name] ?? 'none'}`),
  );
}
