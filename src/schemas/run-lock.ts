import { z } from 'zod';

/** Resolved revisions and versions that a run works with: `<workspace>/runs/<run>/lock.json`. */
export const RunLockSchema = z.looseObject({
  v: z.literal(1),
  environment: z
    .object({
      digest: z.string().describe('Hash of the versions; equal on all hosts.'),
      versions: z.record(z.string(), z.string()).describe('Version or commit by name.'),
    })
    .optional()
    .describe('Software on the hosts.'),
});
export type RunLock = z.infer<typeof RunLockSchema>;
