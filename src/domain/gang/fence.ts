import type { Timing } from '../../schemas/timing.js';

/** What orders attempts on one host, across runs. */
export interface FenceOrder {
  readonly lease: number;
  readonly attempt: number;
}

/**
 * Orders two attempts on a host: negative when `a` is older, 0 for the same, positive when it is newer. The lease
 * decides, because the attempts of different runs say nothing about each other; within a lease the attempt does.
 */
export function compareFences(a: FenceOrder, b: FenceOrder): number {
  return a.lease - b.lease || a.attempt - b.attempt;
}

/** How a keeper looks at the fence of its run, in ms. */
export interface FenceTimes {
  /** Time between two looks. */
  readonly everyMs: number;
  /** How long the workspace may be unreadable before the ranks are stopped. */
  readonly timeoutMs: number;
}

/**
 * The times of a keeper, whose gang waits for the whole `fenceTimeoutMs` before it takes a silent host for harmless.
 * The keeper acts after three quarters: the rest is for its own look (a sixtieth), the grace of its ranks (at most a
 * tenth of its own timeout), and a last heartbeat that was older than the last look.
 */
export function fenceTimes({ fenceTimeoutMs }: Pick<Timing, 'fenceTimeoutMs'>): FenceTimes {
  return {
    // Five seconds: a look is two small reads, and a newer attempt takes longer than that to start.
    everyMs: Math.min(5_000, Math.max(1, Math.floor(fenceTimeoutMs / 60))),
    timeoutMs: Math.max(1, Math.floor(fenceTimeoutMs * 0.75)),
  };
}
