/** Requests of the person to stop. */
export interface StopRequests {
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly stop: AbortSignal;
  /** Aborted by the second one: end it quickly. */
  readonly hurry: AbortSignal;
  /** Gives the signals back to their usual meaning. */
  close(): void;
}

/**
 * npm passes Ctrl-C on to a program that the terminal has already sent it to: two signals of one key press. Only a
 * later one is a second request.
 */
const SAME_REQUEST_MS = 400;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts listening for stop requests. */
export function listenForStop(): StopRequests {
  const stop = new AbortController();
  const hurry = new AbortController();
  let firstAt = 0;
  const onSignal = (): void => {
    const now = performance.now();
    if (!stop.signal.aborted) {
      firstAt = now;
      stop.abort();
    } else if (now - firstAt >= SAME_REQUEST_MS) {
      hurry.abort();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    close: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
