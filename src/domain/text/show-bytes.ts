const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A number of bytes for people, in powers of 1000: `1.5 GB`. */
export function showBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[power] ?? 'B'}`;
}
