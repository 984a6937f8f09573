import type { RetentionPolicy } from '../schemas/retention.js';
import type { Survey } from './retention.js';

/** A file in the folder of downloads. */
export interface DownloadFacts {
  readonly name: string;
  /** What it takes on the disk. */
  readonly bytes: number;
  /** When it was last written, linked or unlinked; the time that a file shows follows from its content. */
  readonly touchedMs: number;
  readonly isPartial: boolean;
  /** Somebody downloads it now, or has not given up the right to. */
  readonly isClaimed: boolean;
  /** Names that it has in outputs; those of outputs that go are left out. */
  readonly outputs: number;
  /** Whether it has names in outputs that go. */
  readonly isFreed: boolean;
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

/** Downloads that no output holds and nobody is at. */
export function surplusDownloads(
  downloads: readonly DownloadFacts[],
  survey: Pick<Survey, 'runs'>,
  { olderThanMs }: Pick<RetentionPolicy, 'olderThanMs'>,
  nowMs: number,
): { readonly name: string; readonly bytes: number; readonly why: string }[] {
  if (fetchingRun(survey) !== null) return [];
  return downloads.flatMap(({ name, bytes, touchedMs, isPartial, isClaimed, outputs, isFreed }) => {
    const ageMs = nowMs - touchedMs;
    if (isClaimed || outputs > 0) return [];
    if (isPartial) {
      const isOld = ageMs > Math.max(LEAST_MS, olderThanMs ?? PARTIAL_MS);
      return isOld ? [{ name, bytes, why: 'its download was interrupted and nobody went on with it' }] : [];
    }
    const isOld = isFreed || ageMs > Math.max(LEAST_MS, olderThanMs ?? 0);
    return isOld ? [{ name, bytes, why: 'no output holds it; it can be downloaded again' }] : [];
  });
}
