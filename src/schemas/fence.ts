import { z } from 'zod';

/**
 * The newest attempt that may train: `<workspace>/runs/<run>/attempts/fence` says it for a run, and
 * `<scratch>/fence.json` for a host, across runs. Both are only ever raised.
 */
export const FenceSchema = z.looseObject({
  v: z.literal(1).describe('Major version of this format.'),
  run: z.string().min(1).describe('Name of the run.'),
  attempt: z.int().positive().describe('Number of the attempt, which its folder in the workspace gave it.'),
  lease: z.int().nonnegative().describe('Number of the lease that gave the attempt its hosts.'),
  at: z.string().describe('When it was raised, ISO 8601 in UTC, by the clock of the host that raised it.'),
});
export type Fence = z.infer<typeof FenceSchema>;
