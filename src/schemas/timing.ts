import { z } from 'zod';

const ms = z.int().min(1);

/** All timers of Temper in one object, in milliseconds. Tests and `temper dev` scale it; a property test keeps its order. */
export const TimingSchema = z.object({
  heartbeatIntervalMs: ms.describe('How often an activity reports progress to its worker.'),
  heartbeatThrottleMs: ms.describe('How often the worker sends the newest progress to the server.'),
  heartbeatTimeoutMs: ms.describe(
    'Silence after which the server gives up an activity attempt; longer than a planned server restart.',
  ),
  probeTimeoutMs: ms.describe('How long a probe of a silent host may take before the host counts as lost.'),
  fenceTimeoutMs: ms.describe('How long a keeper tolerates an unreadable workspace before it stops its ranks.'),
  orphanTimeoutMs: z.int().min(0).describe('How long a command lives without any supervisor; 0 is for ever.'),
  scheduleToStartMs: ms.describe('How long work for one host may wait for its worker; longer than a worker restart.'),
  callTimeoutMs: ms.describe('Limit of one short call to a host.'),
  stopGraceMs: ms.describe('Time between TERM and KILL on a requested stop: room to finish a checkpoint write.'),
  stallStartMs: ms.describe('Silence of a training before its first iteration after which it counts as stalled.'),
  stallStepMs: ms.describe(
    'Shortest time without an iteration that can be a stall; slow trainings get ten times their median step.',
  ),
  stallSaveMs: ms.describe(
    'Silence while a checkpoint is saved or an evaluation runs after which it counts as stalled.',
  ),
  pollMs: ms.describe('How often a supervisor looks at its keeper.'),
  retryInitialMs: ms.describe('Pause before an activity is retried for the first time.'),
  retryMaximumMs: ms.describe('Longest pause between two tries of an activity.'),
});
export type Timing = z.infer<typeof TimingSchema>;
