import { z } from 'zod';
import { RetrainStateSchema } from './retrain.js';
import { NameSchema } from './units.js';

/** One field that applying a schedule changes; null where it was or will not be set. */
export const SettingChangeSchema = z.object({
  field: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});
export type SettingChange = z.infer<typeof SettingChangeSchema>;

/** What `temper schedule apply` prints. */
export const ScheduleAppliedSchema = z.object({
  v: z.literal(1),
  name: NameSchema,
  action: z.enum(['created', 'updated', 'unchanged']),
  isDryRun: z.boolean().describe('Nothing was done; `action` tells what would be.'),
  changes: z.array(SettingChangeSchema),
  running: z
    .string()
    .nullable()
    .optional()
    .describe('Retrain of the model that goes on from before; until it has ended, runs of the schedule are skipped.'),
});
export type ScheduleApplied = z.infer<typeof ScheduleAppliedSchema>;

/** One run of a schedule. */
export const ScheduleRunSchema = z.object({
  at: z.string().describe('When it was started, RFC 3339.'),
  workflowId: z.string(),
  state: z.union([RetrainStateSchema, z.enum(['cancelled', 'terminated', 'forgotten'])]),
  run: NameSchema.nullable(),
  reason: z.string().nullable(),
  phase: z.string().nullable(),
});
export type ScheduleRun = z.infer<typeof ScheduleRunSchema>;

/** What `temper schedule describe` prints. */
export const ScheduleReportSchema = z.object({
  v: z.literal(1),
  name: NameSchema,
  scheduleId: z.string(),
  model: NameSchema,
  workspace: z.string(),
  fleet: NameSchema,
  isPaused: z.boolean(),
  note: z.string().nullable(),
  when: z.string(),
  timezone: z.string(),
  overlap: z.string(),
  catchupMs: z.number(),
  startFrom: z.string(),
  gate: z.array(z.string()),
  approvalMs: z.number().nullable(),
  keep: z.number(),
  nextTimes: z.array(z.object({ at: z.string(), local: z.string() })).describe('The next five.'),
  taken: z.number().describe('Runs started so far.'),
  skippedByOverlap: z.number().describe('Left out because a run was under way.'),
  missed: z.number().describe('Missed for longer than the catch-up time.'),
  runs: z.array(ScheduleRunSchema).describe('Newest first, at most ten.'),
  lastSkip: z.string().nullable().describe('Why the newest one that trained nothing did so.'),
});
export type ScheduleReport = z.infer<typeof ScheduleReportSchema>;

/** What `temper schedule ls` prints. */
export const ScheduleListSchema = z.object({ v: z.literal(1), schedules: z.array(ScheduleReportSchema) });
export type ScheduleList = z.infer<typeof ScheduleListSchema>;

/** What `temper schedule pause|unpause|trigger|backfill|delete` print. */
export const ScheduleDoneSchema = z.object({
  v: z.literal(1),
  name: NameSchema,
  did: z.enum(['paused', 'unpaused', 'triggered', 'skipped', 'backfilled', 'deleted']),
  text: z.string(),
  run: ScheduleRunSchema.nullable(),
});
export type ScheduleDone = z.infer<typeof ScheduleDoneSchema>;

/** What `temper approve` prints. */
export const ApprovedSchema = z.object({
  v: z.literal(1),
  run: NameSchema,
  isApproved: z.boolean(),
});
export type Approved = z.infer<typeof ApprovedSchema>;
