import { z } from 'zod';
import { AnsweringHostSchema, RunNameSchema, WorkspaceSchema } from './call-fields.js';
import { NameSchema } from './units.js';

/** What retention leaves: a run goes when any of the limits says so and nothing needs it. */
export const RetentionPolicySchema = z.object({
  olderThanMs: z.number().nonnegative().nullable().describe('Runs that were not touched for longer go.'),
  keepRuns: z.int().min(0).nullable().describe('Ended runs beyond the newest N go.'),
  maxBytes: z
    .number()
    .nonnegative()
    .nullable()
    .describe('The oldest go until runs, store and downloads are no larger.'),
  keepCheckpoints: z.int().min(1).nullable().describe('Checkpoints of ended runs beyond the newest N go.'),
  checkpointsOlderThanMs: z
    .number()
    .nonnegative()
    .optional()
    .describe('Checkpoints of ended runs that were proven longer ago go, but for the newest of each training.'),
});
export type RetentionPolicy = z.infer<typeof RetentionPolicySchema>;

/** Argument of `collectGarbage`. */
export const CollectCallSchema = z.object({
  v: z.literal(1),
  workspace: WorkspaceSchema.max(1024),
  policy: RetentionPolicySchema.describe('Limits of what stays.'),
  isDryRun: z.boolean().describe('true: only tell what would go.'),
  heartbeatIntervalMs: z.number().describe('How often the work tells the server that it goes on.'),
  schedules: z
    .array(
      z.object({
        name: NameSchema.describe('Name of the schedule.'),
        texts: z.array(z.string()).describe('Texts with a slash in its spec, its inputs and its evaluation.'),
      }),
    )
    .optional()
    .describe('Texts of the settings of schedules that may name paths: what a schedule names stays.'),
});
export type CollectCall = z.infer<typeof CollectCallSchema>;

/** Something that goes, or would go. */
export const CollectedSchema = z.object({
  kind: z
    .enum(['run', 'output', 'checkpoint', 'download', 'copy', 'leftover'])
    .describe(
      'output: an entry of the store; copy: weights on the disk of a host; leftover: what an interrupted removal left.',
    ),
  name: z.string().describe('Path, relative to the workspace; of a copy, HOST:PATH below its scratch folder.'),
  bytes: z.number().describe('What becomes free; a file with several names counts with its last one.'),
  why: z.string().describe('Why it goes, in words.'),
});
export type Collected = z.infer<typeof CollectedSchema>;

/** Answer of `collectCopies`. */
export const CopiesAnswerSchema = z.object({
  v: z.literal(1),
  items: z.array(CollectedSchema).describe('Copies that went or would go, named below the scratch folder of the host.'),
});

/** What `temper gc -o json` prints for one workspace. */
export const CollectReportSchema = z.object({
  v: z.literal(1),
  host: AnsweringHostSchema,
  workspace: WorkspaceSchema,
  isDryRun: z.boolean().describe('true: nothing was removed; the report tells what would be.'),
  totalBytes: z.number().describe('Of runs, store, downloads, and the copies on hosts that go, before.'),
  freedBytes: z.number().describe('What became free, or would.'),
  count: z.number().describe('How many things went or would go, also those that are not listed.'),
  items: z.array(CollectedSchema).describe('The copies on hosts, and the largest two hundred of the workspace.'),
  kept: z
    .array(z.object({ run: RunNameSchema, why: z.string().describe('Why it stays, in words.') }))
    .describe('Runs that a limit meant and that are needed; the first hundred.'),
});
export type CollectReport = z.infer<typeof CollectReportSchema>;
