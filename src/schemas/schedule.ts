import { z } from 'zod';
import { FleetNameSchema, ModelNameSchema, RunNameSchema, WorkspaceSchema } from './call-fields.js';
import { RetrainStateSchema } from './retrain.js';
import { NameSchema } from './units.js';

const scheduleName = NameSchema.describe('Name of the schedule.');

/** One field that applying a schedule changes; null where it was or will not be set. */
export const SettingChangeSchema = z.object({
  field: z.string().describe('Path of the setting, such as schedule.cron or gate; fields of the spec begin with spec.'),
  from: z.string().nullable().describe('As it was, as text; times in seconds.'),
  to: z.string().nullable().describe('As it will be, in the same form.'),
});
export type SettingChange = z.infer<typeof SettingChangeSchema>;

/** What `temper schedule apply` prints. */
export const ScheduleAppliedSchema = z.object({
  v: z.literal(1),
  name: scheduleName,
  action: z.enum(['created', 'updated', 'unchanged']).describe('What was done.'),
  isDryRun: z.boolean().describe('Nothing was done; `action` tells what would be.'),
  changes: z.array(SettingChangeSchema).describe('Settings that differ; of a new schedule all but the timers.'),
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
  workflowId: z.string().describe('Id of the workflow of the retrain.'),
  state: z
    .union([RetrainStateSchema, z.enum(['cancelled', 'terminated', 'forgotten'])])
    .describe('As the retrain tells it, or how it was ended; forgotten: the server no longer knows it.'),
  run: NameSchema.nullable().describe('Its pipeline run; null: none was begun, or not known.'),
  reason: z.string().nullable().describe('Why it stands there or ended so; null: nothing is told.'),
  phase: z.string().nullable().describe('What it does now or did last: done once it ended by itself; null: not known.'),
});
export type ScheduleRun = z.infer<typeof ScheduleRunSchema>;

/** What `temper schedule describe` prints. */
export const ScheduleReportSchema = z.object({
  v: z.literal(1),
  name: scheduleName,
  scheduleId: z.string().describe('Id of the schedule in Temporal.'),
  model: ModelNameSchema,
  workspace: WorkspaceSchema,
  fleet: FleetNameSchema,
  isPaused: z.boolean().describe('true: it starts no runs until it is unpaused.'),
  note: z.string().nullable().describe('What was said when it was paused or unpaused last; null: nothing was.'),
  when: z.string().describe('When runs start, for people: the cron expression or the interval, and the jitter.'),
  timezone: z.string().describe('Zone of the cron expression and of {{date}}, such as Asia/Shanghai.'),
  overlap: z
    .string()
    .describe('While a run is under way: SKIP leaves the next one out, BUFFER_ONE starts one after it.'),
  catchupMs: z.number().describe('A run that was missed is made up for within this time.'),
  startFrom: z.string().describe("base: the spec's weights; promoted: the promoted model once there is one."),
  gate: z.array(z.string()).describe('Comparisons that must all hold for a model to be promoted.'),
  approvalMs: z.number().nullable().describe('How long a run waits for an approval; null: none is needed.'),
  keep: z.number().describe('Promoted models that are kept, the current one included.'),
  nextTimes: z
    .array(
      z.object({
        at: z.string().describe('RFC 3339, UTC.'),
        local: z.string().describe('The same in the zone of the schedule.'),
      }),
    )
    .describe('The next five.'),
  taken: z.number().describe('Runs started so far.'),
  skippedByOverlap: z.number().describe('Left out because a run was under way.'),
  missed: z.number().describe('Missed for longer than the catch-up time.'),
  runs: z.array(ScheduleRunSchema).describe('Newest first, at most ten.'),
  lastSkip: z.string().nullable().describe('Why the newest one that trained nothing did so.'),
});
export type ScheduleReport = z.infer<typeof ScheduleReportSchema>;

/** What `temper schedule ls` prints. */
export const ScheduleListSchema = z.object({
  v: z.literal(1),
  schedules: z.array(ScheduleReportSchema).describe('By name.'),
});
export type ScheduleList = z.infer<typeof ScheduleListSchema>;

/** What `temper schedule pause|unpause|trigger|backfill|delete` print. */
export const ScheduleDoneSchema = z.object({
  v: z.literal(1),
  name: scheduleName,
  did: z
    .enum(['paused', 'unpaused', 'triggered', 'skipped', 'backfilled', 'deleted'])
    .describe('skipped: a trigger started nothing, because a retrain of the model is under way.'),
  text: z.string().describe('The same as a sentence, for people.'),
  run: ScheduleRunSchema.nullable().describe('What a trigger started; null: nothing yet, or it was no trigger.'),
});
export type ScheduleDone = z.infer<typeof ScheduleDoneSchema>;

/** What `temper approve` prints. */
export const ApprovedSchema = z.object({
  v: z.literal(1),
  run: RunNameSchema,
  isApproved: z.boolean().describe('false: the person refused its model.'),
});
export type Approved = z.infer<typeof ApprovedSchema>;
