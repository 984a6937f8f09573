import { CancellationScope, condition, isCancellation, patched, sleep } from '@temporalio/workflow';
import type { GangInput } from '../../schemas/stage-calls.js';
import { isUnanswered, quickCalls } from './gang.js';
import { hasAdvanced, newestOf, type GangProgress } from '../../domain/gang/gang-progress.js';
import { Lanes } from '../../domain/in-parallel.js';
import { restMs } from '../../domain/gang/rest.js';

/** How far the hosts that are heard see the gang come. */
export type LookForProgress = () => Promise<GangProgress>;

/** Probes of a silent host within the time that it is given. */
const PROBES = 4;

/**
 * While the gang steps on, how many times the grace of a silent host may pass until it is looked at again: 32 minutes on
 * a fleet. Those that are heard notice a gang that stands still before that, by their own stall timers, and end by the
 * timeout of a collective after half an hour.
 */
const RESTING_GRACES = 8;

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
  #looked: { readonly atMs: number; readonly progress: Promise<GangProgress> } | null = null;
  #isHurried = false;
  /** Asked once: a history that began without rests ends without them. */
  readonly #canRest = patched('rest-between-probes');
  /** Counts what may decide otherwise about hosts that are silent. */
  #news = 0;

  constructor(input: GangInput, hosts: number) {
    this.#input = input;
    this.#hosts = hosts;
  }

  /** Sets how to see whether the gang still steps; null once it is being stopped. */
  watch(look: LookForProgress | null): void {
    this.#look = look;
    this.#looked = null;
    this.#news += 1;
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
    this.#news += 1;
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
    const { probeTimeoutMs } = this.#input.call.timing;
    const patienceMs = this.#patienceMs();
    if (!this.#since.has(host)) this.#since.set(host, Date.now());
    let graceFrom = Date.now();
    let seen = await this.#progress();
    let hasRested = false;
    for (;;) {
      const { isHeard, tookMs } = await this.#probes.run(() => this.#ask(host, patienceMs));
      if (isHeard) return this.#heard(host);
      const now = Date.now();
      // A probe that took far longer than it may: the server was away, and workers need a moment to find it again.
      const wasAway = tookMs > 2 * patienceMs + SLACK_MS;
      let untilMs = this.#controlPlaneUntil(host);
      if (wasAway || untilMs > now) {
        graceFrom = now;
        hasRested = false;
      } else if (now - graceFrom >= probeTimeoutMs) {
        const newest = await this.#progress();
        if (hasAdvanced(seen, newest)) {
          seen = newest;
          untilMs = Date.now() + RESTING_GRACES * probeTimeoutMs;
        } else if (!hasRested) return 'lost';
        // The server may have been away during the rest: who was only asked then is given the whole grace.
        hasRested = false;
        graceFrom = Date.now();
      }
      const waitMs = restMs(Date.now() - (this.#since.get(host) ?? now), untilMs - Date.now());
      if (this.#canRest && waitMs > patienceMs) {
        if (await this.#rest(host, waitMs)) return this.#heard(host);
        hasRested = true;
      } else {
        // A probe that failed at once must not become a tight loop.
        await sleep(Math.max(1, patienceMs - tookMs));
      }
    }
  }

  #heard(host: string): 'back' {
    this.#since.delete(host);
    this.#news += 1;
    return 'back';
  }

  /**
   * One call that waits in the host's queue, so that its worker finds it the moment it is back; shorter when something
   * happens that may decide about the host. Not in a lane: nobody works for a call that waits.
   */
  async #rest(host: string, waitMs: number): Promise<boolean> {
    const known = this.#news;
    const scope = new CancellationScope();
    const answer = scope.run(() => this.#answers(host, waitMs));
    const news = scope.run(() => condition(() => this.#news > known));
    try {
      await Promise.race([answer, news]);
    } finally {
      scope.cancel();
      await Promise.allSettled([answer, news]);
    }
    return answer.catch(() => false);
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

  /** What the gang came to, looked up once for all hosts that ask within the time of a probe. */
  async #progress(): Promise<GangProgress> {
    const look = this.#look;
    if (look === null) return newestOf([]);
    if (!this.#canRest) return look();
    if (this.#looked === null || Date.now() - this.#looked.atMs >= this.#patienceMs())
      this.#looked = { atMs: Date.now(), progress: look() };
    return this.#looked.progress;
  }

  #patienceMs(): number {
    const { probeTimeoutMs, callTimeoutMs } = this.#input.call.timing;
    return Math.min(callTimeoutMs, Math.ceil(probeTimeoutMs / PROBES));
  }

  /**
   * Until when a silence is taken for that of the way to the hosts, ms since the epoch; 0 where it is the host's own. One
   * silent host of two is a host; two of two are not.
   */
  #controlPlaneUntil(host: string): number {
    if (this.#isHurried) return 0;
    const since = this.#since.get(host) ?? 0;
    const silent = this.#since.size;
    if (silent >= this.#hosts && this.#look !== null && this.#isWholeFleet()) {
      // Nobody can tell whether it trains: its keepers let it live for so long.
      const { orphanTimeoutMs } = this.#input.call.timing;
      return orphanTimeoutMs === 0 ? Number.POSITIVE_INFINITY : since + orphanTimeoutMs;
    }
    return silent > 1 && silent > this.#hosts / 2 ? since + this.#input.recovery.spareWaitMs : 0;
  }

  /** A gang of one with a spare is one silent host of two. */
  #isWholeFleet(): boolean {
    return this.#hosts > 1 || this.#input.spares === 0;
  }
}

/** What dispatching may take on a loaded server. */
const SLACK_MS = 5_000;
