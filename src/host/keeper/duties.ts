import { errorText } from '../../domain/text/error-text.js';
import { writeJsonSync } from './atomic-write.js';
import type { KeptCommand } from './kept-command.js';
import { linkRankLogs } from './rank-logs.js';

/**
 * Something that a keeper does again and again while its command runs. A watcher of fences is one more of these: it
 * looks, and calls `requestStop`. A duty must not block: local files and /proc only.
 */
export interface Duty {
  everyMs(command: KeptCommand): number;
  perform(command: KeptCommand): void;
}

/** Duties under way. */
export interface RunningDuties {
  /** Performs each duty one last time; none follows. */
  finish(): void;
}

/** Performs all duties now and at their intervals; one that fails is logged once per message and tried again. */
export function startDuties(duties: readonly Duty[], command: KeptCommand, log: (text: string) => void): RunningDuties {
  const logged = new Set<string>();
  const attempt = (duty: Duty): void => {
    try {
      duty.perform(command);
    } catch (error) {
      const text = errorText(error);
      if (!logged.has(text)) log(text);
      logged.add(text);
    }
  };
  duties.forEach(attempt);
  const timers = duties.map((duty) => setInterval(attempt, duty.everyMs(command), duty));
  return {
    finish: () => {
      timers.forEach((timer) => clearInterval(timer));
      duties.forEach(attempt);
    },
  };
}

/** Links the logs of ranks as torchrun makes them. */
export const rankLogDuty: Duty = {
  everyMs: () => 1_000,
  perform: ({ request, paths }) => {
    if (request.rankLogs !== undefined) linkRankLogs(request.rankLogs, paths.dir);
  },
};

/**
 * Remembers processes and sessions, for the day when a parent is gone and a marker was wiped. A scan takes about 45 us
 * per process of the host (measured, two slow cores): 1 % of one core with 2,000 of them.
 */
export const trackDuty: Duty = { everyMs: () => 10_000, perform: (command) => command.track() };

/** Refreshes `keeper.json`; what it adds (contact, sessions) serves people and the take-over after a crash. */
export const recordDuty: Duty = {
  everyMs: () => 5_000,
  perform: (command) => writeJsonSync(command.paths.record, command.record(), false),
};

/** Ends a command that nobody has asked for in `orphanTimeoutMs`. */
export const orphanDuty: Duty = {
  // Fine enough for the short timeouts of tests, and at most a second late.
  everyMs: ({ request }) => Math.min(1_000, Math.max(20, request.orphanTimeoutMs / 10)),
  perform: (command) => {
    const { orphanTimeoutMs } = command.request;
    if (orphanTimeoutMs > 0 && command.silenceMs >= orphanTimeoutMs) {
      command.requestStop({ requestedBy: 'keeper', reason: 'orphaned' });
    }
  },
};
