import { setTimeout as sleep } from 'node:timers/promises';
import { TemperError } from '../../domain/errors.js';
import { Lasting, type Passing } from './failures.js';
import type { DownloadLimits } from './limits.js';

type PatienceLimits = Pick<DownloadLimits, 'tries' | 'firstWaitMs' | 'maxWaitMs' | 'maxAskedWaitMs'>;

/** Tries where waiting longer is of no use. */
const LASTING_TRIES = 3;

/** Counts failures in a row without progress, and waits longer after each. */
export class Patience {
  readonly #limits: PatienceLimits;
  readonly #name: string;
  #failures = 0;

  constructor(name: string, limits: PatienceLimits) {
    this.#limits = limits;
    this.#name = name;
  }

  /** New bytes came: what failed before is forgotten. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits before the next try; throws when there were too many. */
  async wait(failure: Passing, signal: AbortSignal, note: (text: string) => void): Promise<void> {
    const { firstWaitMs, maxWaitMs, maxAskedWaitMs } = this.#limits;
    const tries = failure instanceof Lasting ? Math.min(LASTING_TRIES, this.#limits.tries) : this.#limits.tries;
    this.#failures += 1;
    if (this.#failures >= tries) {
      throw new TemperError(
        'DownloadFailed',
        { where: this.#name, what: `${this.#failures} tries in a row brought nothing new`, why: failure.message },
        { cause: failure },
      );
    }
    const backoffMs = Math.min(firstWaitMs * 2 ** (this.#failures - 1), maxWaitMs);
    // Hosts that failed together must not come back together.
    const spreadMs = backoffMs * (0.5 + Math.random() / 2);
    const waitMs = Math.min(Math.max(failure.askedWaitMs ?? 0, spreadMs), Math.max(maxAskedWaitMs, maxWaitMs));
    note(`${this.#name}: ${failure.message}; next try in ${(waitMs / 1_000).toFixed(1)} s`);
    await sleep(waitMs, undefined, { signal });
  }
}

/** Milliseconds that a Retry-After header asks for (RFC 9110: seconds or a date), or null. */
export function readRetryAfter(value: string | readonly string[] | undefined, now: number): number | null {
  if (typeof value !== 'string') return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
