import { showBytes } from '../text/show-bytes.js';
import type { SlowHost } from '../../schemas/pace.js';

/** A host's part of a save: when the last of its shards was finished, by the clock of the file system. */
export interface SavedPart {
  readonly host: string;
  /** Global rank that finished last. */
  readonly rank: number;
  readonly endedAtMs: number;
  readonly bytes: number;
}

/** Caches of network file systems and an uneven share of the bytes make some seconds; nobody is slow for them. */
const LEAST_LATE_MS = 10_000;
/** Times as long as it took from the first host's end to that of half of them. */
const FACTOR = 2;
/** As many as people can look after. */
const MOST_NAMED = 3;

/** Hosts that a save waited for after the others had written their parts, the slowest first. */
export function slowSavers(iteration: number, parts: readonly SavedPart[]): SlowHost[] {
  const ends = parts.map(({ endedAtMs }) => endedAtMs).toSorted((a, b) => a - b);
  const [first] = ends;
  const half = ends[Math.floor((ends.length - 1) / 2)];
  if (first === undefined || half === undefined) return [];
  const lateMs = Math.max(LEAST_LATE_MS, FACTOR * (half - first));
  return parts
    .filter(({ endedAtMs }) => endedAtMs - half > lateMs)
    .toSorted((a, b) => b.endedAtMs - a.endedAtMs)
    .slice(0, MOST_NAMED)
    .map(({ host, rank, endedAtMs, bytes }) => ({
      host,
      rank,
      sentence: `the save of iteration ${iteration} waited ${seconds(endedAtMs - half)} for rank ${rank} on ${host}, which wrote ${showBytes(bytes)}, when half of the hosts had written their parts`,
    }));
}

/** The parts of hosts from what their ranks wrote; ranks of no host are left out. */
export function partsOfHosts(
  shards: readonly Omit<SavedPart, 'host'>[],
  hosts: readonly string[],
  ranksPerHost: number,
): SavedPart[] {
  const parts = new Map<string, SavedPart>();
  for (const { rank, endedAtMs, bytes } of shards) {
    const host = hosts[Math.floor(rank / ranksPerHost)];
    if (host === undefined) continue;
    const known = parts.get(host);
    const isLast = known === undefined || endedAtMs > known.endedAtMs;
    const last = isLast ? { rank, endedAtMs } : { rank: known.rank, endedAtMs: known.endedAtMs };
    parts.set(host, { host, ...last, bytes: bytes + (known?.bytes ?? 0) });
  }
  return [...parts.values()];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
