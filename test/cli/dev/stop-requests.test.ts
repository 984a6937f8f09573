import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenForStop } from '../../../src/cli/dev/stop-requests.js';
import type { StopRequests } from '../../../src/cli/dev/stop-requests.js';

let requests: StopRequests;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  requests = listenForStop();
});
afterEach(() => {
  requests.close();
  vi.useRealTimers();
});
/** What a signal does, without sending one to the process that runs the tests. */
const signal = (name: NodeJS.Signals): boolean => process.emit(name);

describe('listenForStop', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('takes %s as a request to stop', (name) => {
    expect(requests.stop.aborted).toBe(false);
    signal(name);
    expect(requests.stop.aborted).toBe(true);
    expect(requests.hurry.aborted).toBe(false);
  });

  it('takes the copy that npm passes on for the same request, and a later one for a second', () => {
    signal('SIGINT');
    vi.advanceTimersByTime(300);
    signal('SIGINT');
    expect(requests.hurry.aborted).toBe(false);
    vi.advanceTimersByTime(150);
    signal('SIGINT');
    expect(requests.hurry.aborted).toBe(true);
  });

  it('gives the signals back', () => {
    const before = process.listenerCount('SIGINT');
    requests.close();
    expect(process.listenerCount('SIGINT')).toBe(before - 1);
  });
});
