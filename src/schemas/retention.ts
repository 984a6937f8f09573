import { z } from 'zod';
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
});
export type RetentionPolicy = z.infer<typeof RetentionPolicySchema>;

/** Argument of `collectGarbage`. */
export const CollectCallSchema = z.object({
  v: z.literal(1),
  workspace: z.string().max(1024),
  policy: RetentionPolicySchema,
  isDryRun: z.boolean(),
  heartbeatIntervalMs: z.number(),
  schedules: z
    .array(z.object({ name: NameSchema, texts: z.array(z.string()) }))
    .optional()
    .describe('Texts of the settings of schedules that may name paths: what a schedule names stays.'),
});
export type CollectCall = z.infer<typeof CollectCallSchema>;

/** Something that goes, or would go. */
export const CollectedSchema = z.object({
  kind: z.enum(['run', 'output', 'checkpoint', 'download', 'copy', 'leftover']),
  name: z.string().describe('Path, relative to the workspace; of a copy, HOST:PATH below its scratch folder.'),
  bytes: z.number().describe('What becomes free; a file with several names counts with its last one.'),
  why: z.string(),
});
export type Collected = z.infer<typeof CollectedSchema>;

/** Answer of `collectCopies`. */
export const CopiesAnswerSchema = z.object({ v: z.literal(1), items: z.array(CollectedSchema) });

/** What `temper gc -o json` prints for one workspace. */
export const CollectReportSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  workspace: z.string(),
  isDryRun: z.boolean(),
  totalBytes: z.number().describe('Of runs, store, downloads, and the copies on hosts that go, before.'),
  freedBytes: z.number(),
  count: z.number(),
  items: z.array(CollectedSchema).describe('The copies on hosts, and the largest two hundred of the workspace.'),
  kept: z
    .array(z.object({ run: NameSchema, why: z.string() }))
    .describe('Runs that a limit meant and that are needed; the first hundred.'),
});
export type CollectReport = z.infer<typeof CollectReportSchema>;
