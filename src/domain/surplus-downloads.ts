import type { RetentionPolicy } from '../schemas/retention.js';
import type { OutputFacts, Survey } from './retention.js';
import type { Size } from './text/sizes.js';

/** A file in the folder of downloads. */
export interface DownloadFacts extends Size {
  readonly name: string;
  /** When it was last written, linked or unlinked; the time that a file shows follows from its content. */
  readonly touchedMs: number;
  readonly isPartial: boolean;
  /** Somebody downloads it now, or has not given up the right to. */
  readonly isClaimed: boolean;
}

const DAY_MS = 24 * 3_600_000;
/** A fetch by hand has no run that speaks for it; nothing waits longer for a network. */
const LEAST_MS = DAY_MS;
/** An interrupted download is worth going on with for a while. */
const PARTIAL_MS = 7 * DAY_MS;

/** A run that may still fetch something, for which everything stays: what it has brought has no name in an output yet. */
export function fetchingRun({ runs }: Pick<Survey, 'runs'>): string | null {
  const isFetching = ({ open, outputs }: Survey['runs'][number]): boolean =>
    open !== null && ['weights/', 'data/'].some((stage) => !outputs.some((id) => id.startsWith(stage)));
  return runs.find(isFetching)?.name ?? null;
}

/** Downloads that no output holds but those that go, and nobody is at. */
export function surplusDownloads(
  { downloads, runs }: Pick<Survey, 'downloads' | 'runs'>,
  going: readonly Pick<OutputFacts, 'shared'>[],
  { olderThanMs }: Pick<RetentionPolicy, 'olderThanMs'>,
  nowMs: number,
): { readonly name: string; readonly why: string }[] {
  if (fetchingRun({ runs }) !== null) return [];
  const inGoing = new Map<string, number>();
  for (const { id, names } of going.flatMap(({ shared }) => shared)) inGoing.set(id, (inGoing.get(id) ?? 0) + names);
  return downloads.flatMap(({ name, touchedMs, isPartial, isClaimed, shared: [file] }) => {
    const ageMs = nowMs - touchedMs;
    const freed = file === undefined ? 0 : (inGoing.get(file.id) ?? 0);
    const isHeld = file !== undefined && file.links - file.names > freed;
    if (isClaimed || isHeld) return [];
    if (isPartial) {
      const isOld = ageMs > Math.max(LEAST_MS, olderThanMs ?? PARTIAL_MS);
      return isOld ? [{ name, why: 'its download was interrupted and nobody went on with it' }] : [];
    }
    const isOld = freed > 0 || ageMs > Math.max(LEAST_MS, olderThanMs ?? 0);
    return isOld ? [{ name, why: 'no output holds it; it can be downloaded again' }] : [];
  });
}
