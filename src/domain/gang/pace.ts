import type { Pace, SlowHost } from '../../schemas/pace.js';

/** What the kernel has counted for one rank so far. */
export interface RankTimes {
  /** Global rank; null where its environment does not tell. */
  readonly rank: number | null;
  /** Processor time, milliseconds. */
  readonly workedMs: number;
  /** Time in which a thread could run and had no processor, milliseconds. */
  readonly queuedMs: number;
  /** Whether it is stopped or waits for a disk at this moment. */
  readonly isStuck: boolean;
}

/** One look at the ranks of a host, by the pid of their leading process. */
export interface PaceSample {
  readonly nowMs: number;
  readonly ranks: ReadonlyMap<number, RankTimes>;
}

/** Looks that are told about together: half a minute of a fleet's heartbeats. */
const SAMPLES = 7;

/** Follows the ranks of one host and tells what they did of late. */
export class PaceWindow {
  readonly #samples: PaceSample[] = [];

  /** Takes a look; null until two looks saw the same rank. */
  look(sample: PaceSample): Pace | null {
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const [first] = this.#samples;
    const spanMs = first === undefined ? 0 : sample.nowMs - first.nowMs;
    if (first === undefined || spanMs <= 0) return null;
    const ranks = [...sample.ranks].flatMap(([pid, now]) => {
      const then = first.ranks.get(pid);
      if (then === undefined) return [];
      const worked = Math.max(0, now.workedMs - then.workedMs) / spanMs;
      const queued = Math.max(0, now.queuedMs - then.queuedMs) / spanMs;
      return [{ rank: now.rank, worked, queued, stuck: this.#stuckShare(pid) }];
    });
    ranks.sort((a, b) => heldBy(b) - heldBy(a));
    const [busiest] = ranks;
    if (busiest === undefined) return null;
    const typical = lowerMedian(ranks.map(heldBy));
    const { rank, worked, queued, stuck } = busiest;
    return { rank, worked: cents(worked), queued: cents(queued), stuck: cents(stuck), typical: cents(typical), spanMs };
  }

  /** A state is a moment, so it is told by how many looks saw it; the first look begins the time and tells of none. */
  #stuckShare(pid: number): number {
    const looks = this.#samples.slice(1);
    return looks.filter(({ ranks }) => ranks.get(pid)?.isStuck === true).length / Math.max(1, looks.length);
  }
}

/** A rank that is busy for less of the time leaves nobody waiting for long. */
const LEAST_HELD = 0.5;
/** Ranks of one program share their work evenly; whoever is busy twice as long as is usual is waited for. */
const FACTOR = 2;
/** A slow host is one of few; when many are busy, the gang is. */
const MOST_NAMED = 3;

/** Hosts that the others wait for, the slowest first; none when all are alike, or too few told. */
export function slowHosts(paces: readonly { readonly host: string; readonly pace: Pace }[]): SlowHost[] {
  const ranks = paces.reduce((count, { pace }) => count + (heldBy(pace) > pace.typical ? 2 : 1), 0);
  if (ranks < 2) return [];
  const usual = lowerMedian(paces.map(({ pace }) => pace.typical));
  return paces
    .filter(({ pace }) => heldBy(pace) >= Math.max(LEAST_HELD, FACTOR * usual))
    .toSorted((a, b) => heldBy(b.pace) - heldBy(a.pace))
    .slice(0, MOST_NAMED)
    .map(({ host, pace }) => ({ host, rank: pace.rank, sentence: sentenceOf(host, pace, usual) }));
}

function sentenceOf(host: string, { rank, worked, queued, stuck, spanMs }: Pace, usual: number): string {
  const who = rank === null ? `a rank on ${host}` : `rank ${rank} on ${host}`;
  const did = [
    [worked, 'working'],
    [queued, 'waiting for a processor'],
    [stuck, 'stopped or waiting for a disk'],
  ] as const;
  const parts = did.filter(([share]) => share >= 0.05).map(([share, what]) => `${percent(share)} ${what}`);
  return `the others wait for ${who}: of the last ${Math.round(spanMs / 1_000)} s it spent ${parts.join(', ')}; usual is ${percent(usual)}`;
}

function heldBy({ worked, queued, stuck }: Pick<Pace, 'worked' | 'queued' | 'stuck'>): number {
  return worked + queued + stuck;
}

/** The lower one of two in the middle: of two hosts, the one that waits is the usual one. */
function lowerMedian(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? 0;
}

function cents(share: number): number {
  return Math.round(share * 100) / 100;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
