import { setTimeout as sleep } from 'node:timers/promises';
import { defaultGrpcRetryOptions } from '@temporalio/client';
import type { GrpcRetryOptions } from '@temporalio/client';

/** The SDK's retries of failed calls, and their end. */
export interface Retries {
  readonly options: GrpcRetryOptions;
  /** Resolves when no retry will begin any more; those that have begun go on. */
  end(): Promise<void>;
}

/** Timers of Node may come a little late. */
const LATE_MS = 20;

/**
 * Retries that end before the connection is closed: the SDK begins each from a timer, and on a closed channel that
 * throws where nobody can catch it, which ends the process.
 */
export function endableRetries(usual: GrpcRetryOptions = defaultGrpcRetryOptions()): Retries {
  let isOver = false;
  let lastBeginsAt = Number.NEGATIVE_INFINITY;
  return {
    options: {
      retryableDecider: (attempt, status) => !isOver && usual.retryableDecider(attempt, status),
      delayFunction: (attempt, status) => {
        const delayMs = usual.delayFunction(attempt, status);
        lastBeginsAt = Math.max(lastBeginsAt, performance.now() + delayMs);
        return delayMs;
      },
    },
    end: async () => {
      isOver = true;
      const leftMs = lastBeginsAt - performance.now();
      if (leftMs > 0) await sleep(leftMs + LATE_MS);
    },
  };
}
