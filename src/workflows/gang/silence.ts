import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { GangInput } from '../../schemas/stage-calls.js';
import { isUnanswered, quickCalls } from './gang.js';
import { hasAdvanced, newestOf, type GangProgress } from '../../domain/gang-progress.js';
import { Lanes } from '../../domain/in-parallel.js';

/** How far the hosts that are heard see the gang come. */
export type LookForProgress = () => Promise<GangProgress>;

/** Probes of a silent host within the time that it is given. */
const PROBES = 4;

/**
 * Tells hosts that are gone from those that are only not heard. A silent host is *unobserved*; it is lost when it
 * answered no probe for `probeTimeoutMs`, the gang did not advance meanwhile, and it is not one of many: when more
 * than half of the hosts are silent together, it is the way to them that is gone, and waiting costs nothing.
 */
export class Silence {
  readonly #input: GangInput;
  readonly #hosts: number;
  /** Hosts that are silent now, lost ones included, with the begin of their silence. */
  readonly #since = new Map<string, number>();
  readonly #settling = new Map<string, Promise<'back' | 'lost'>>();
  /** When the server comes back, all hosts may be silent at once. */
  readonly #probes = new Lanes();
  #look: LookForProgress | null = null;
  #isHurried = false;

  constructor(input: GangInput, hosts: number) {
    this.#input = input;
    this.#hosts = hosts;
  }

  /** Sets how to see whether the gang still steps; null once it is being stopped. */
  watch(look: LookForProgress | null): void {
    this.#look = look;
  }

  /** Begin of a lost host's silence, ms since the epoch. */
  since(host: string): number | null {
    return this.#since.get(host) ?? null;
  }

  isSilent(host: string): boolean {
    return this.#since.has(host);
  }

  /** Somebody asked for the end: hosts that are silent get no more than their own time. */
  hurry(): void {
    this.#isHurried = true;
  }

  /**
   * Finds out about a host that did not answer; several may wait for one answer. Not cancelled with who asked first:
   * cleaning up needs the answer as well.
   */
  settle(host: string): Promise<'back' | 'lost'> {
    const known = this.#settling.get(host);
    if (known !== undefined) return known;
    const settling = CancellationScope.nonCancellable(() => this.#probe(host)).finally(() =>
      this.#settling.delete(host),
    );
    this.#settling.set(host, settling);
    return settling;
  }

  async #probe(host: string): Promise<'back' | 'lost'> {
    const { probeTimeoutMs, callTimeoutMs } = this.#input.call.timing;
    const patienceMs = Math.min(callTimeoutMs, Math.ceil(probeTimeoutMs / PROBES));
    if (!this.#since.has(host)) this.#since.set(host, Date.now());
    let graceFrom = Date.now();
    let seen = await this.#progress();
    for (;;) {
      const { isHeard, tookMs } = await this.#probes.run(() => this.#ask(host, patienceMs));
      if (isHeard) {
        this.#since.delete(host);
        return 'back';
      }
      const now = Date.now();
      // A probe that took far longer than it may: the server was away, and workers need a moment to find it again.
      const wasAway = tookMs > 2 * patienceMs + SLACK_MS;
      if (wasAway || this.#isControlPlane(host)) {
        graceFrom = now;
      } else if (now - graceFrom >= probeTimeoutMs) {
        const newest = await this.#progress();
        if (!hasAdvanced(seen, newest)) return 'lost';
        seen = newest;
        graceFrom = Date.now();
      }
      // A probe that failed at once must not become a tight loop.
      await sleep(Math.max(1, patienceMs - tookMs));
    }
  }

  async #ask(host: string, patienceMs: number): Promise<{ readonly isHeard: boolean; readonly tookMs: number }> {
    const askedAt = Date.now();
    const isHeard = await this.#answers(host, patienceMs);
    return { isHeard, tookMs: Date.now() - askedAt };
  }

  async #answers(host: string, patienceMs: number): Promise<boolean> {
    try {
      await quickCalls(this.#input, host, patienceMs).probeHost(undefined);
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      // A call that failed was answered.
      return !isUnanswered(error);
    }
  }

  async #progress(): Promise<GangProgress> {
    return this.#look === null ? newestOf([]) : this.#look();
  }

  /** One silent host of two is a host; two of two are not. */
  #isControlPlane(host: string): boolean {
    if (this.#isHurried) return false;
    const silentMs = Date.now() - (this.#since.get(host) ?? 0);
    const silent = this.#since.size;
    if (silent >= this.#hosts && this.#look !== null && this.#isWholeFleet()) {
      // Nobody can tell whether it trains: its keepers let it live for so long.
      const { orphanTimeoutMs } = this.#input.call.timing;
      return orphanTimeoutMs === 0 || silentMs < orphanTimeoutMs;
    }
    return silent > 1 && silent > this.#hosts / 2 && silentMs < this.#input.recovery.spareWaitMs;
  }

  /** A gang of one with a spare is one silent host of two. */
  #isWholeFleet(): boolean {
    return this.#hosts > 1 || this.#input.spares === 0;
  }
}

/** What dispatching may take on a loaded server. */
const SLACK_MS = 5_000;
