import type { isRetryableError } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endableRetries } from '../../src/client/retries.js';

type Status = Parameters<typeof isRetryableError>[0];
/** As the server that is away is told: code 14 of gRPC. */
const AWAY = { code: 14, details: 'no connection', metadata: {} } as unknown as Status;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('endableRetries', () => {
  it('are the usual ones until they end', async () => {
    const { options, end } = endableRetries();
    expect(options.retryableDecider(1, AWAY)).toBe(true);
    await end();
    expect(options.retryableDecider(1, AWAY)).toBe(false);
  });

  it('end after the last one that was promised has begun', async () => {
    const { options, end } = endableRetries({
      retryableDecider: () => true,
      delayFunction: (attempt) => attempt * 100,
    });
    const begun: number[] = [];
    for (const attempt of [3, 1]) setTimeout(() => begun.push(attempt), options.delayFunction(attempt, AWAY));
    const ended = end().then(() => begun.push(0));
    await vi.advanceTimersByTimeAsync(1_000);
    await ended;
    expect(begun).toEqual([1, 3, 0]);
  });
});
