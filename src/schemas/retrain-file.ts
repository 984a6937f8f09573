import { z } from 'zod';
import { DailyInputSchema, EvaluationCommandSchema, HeldOutRowsSchema } from './retrain.js';
import { DurationSchema, NameSchema, PathSchema, WaitSchema } from './units.js';

const ScheduleSchema = z.strictObject({
  cron: z.string().max(200).optional().describe('When to train, as minute hour day month weekday; all must match.'),
  every: DurationSchema.optional().describe('Or: the time between two runs, such as 6h.'),
  timezone: z
    .string()
    .max(64)
    .default('UTC')
    .describe('Zone of the cron expression and of {{date}}, such as Asia/Shanghai.'),
  jitter: DurationSchema.optional().describe('Start up to this much later, so that not all schedules start at once.'),
  catchup: DurationSchema.default('2h').describe(
    'A run that was missed is made up for within this time; at least 10s.',
  ),
  overlap: z
    .enum(['SKIP', 'BUFFER_ONE'])
    .default('SKIP')
    .describe('While a run is under way: SKIP leaves the next one out, BUFFER_ONE starts one right after it.'),
  pauseOnFailure: z.boolean().default(true).describe('Pause the schedule when a run fails.'),
});

/** What a user writes in a schedule file. Unknown keys are errors. */
export const RetrainFileSchema = z.strictObject({
  apiVersion: z.literal('temper/v1').describe('Version of this format.'),
  kind: z.literal('Retrain').describe('What the file is.'),
  name: NameSchema.max(24, 'the name of a schedule has at most 24 characters: runs add their time').describe(
    'Name of the schedule; its runs add their time to it.',
  ),
  model: NameSchema.optional().describe('Name under which the model is promoted; default: the name of the schedule.'),
  spec: PathSchema.describe('Spec of the pipeline; its text is taken when the schedule is applied.'),
  schedule: ScheduleSchema.describe('When to train.'),
  inputs: z.array(DailyInputSchema).max(64).default([]).describe('Inputs that are looked up anew for each run.'),
  startFrom: z
    .enum(['base', 'promoted'])
    .default('base')
    .describe("Train from the spec's weights, or from the promoted model once there is one."),
  evaluation: z
    .union([z.literal('heldOut'), HeldOutRowsSchema, EvaluationCommandSchema])
    .default('heldOut')
    .describe(
      'How models are measured: heldOut is the loss on held-out rows (evalLoss), by the recipe and without devices; or a command, which gets a host of its own.',
    ),
  waitForHosts: WaitSchema.default('12h').describe(
    'How long a run waits for free hosts, each time that it needs some; when none came, or too few that are not set aside, it is skipped.',
  ),
  evaluationTimeout: WaitSchema.default('1h').describe('Longest measurement of one model.'),
  gate: z
    .array(z.string().min(1).max(500))
    .min(1)
    .max(20)
    .default(['evalLoss <= promoted.evalLoss * 1.01'])
    .describe('Comparisons that must all hold for a model to be promoted.'),
  approval: z
    .union([
      z.enum(['none', 'required']),
      z.strictObject({
        required: z.boolean().default(true).describe('Whether a person must approve (temper approve RUN).'),
        within: DurationSchema.describe('How long to wait for it; shorter than the time between two runs.'),
      }),
    ])
    .default('none')
    .describe(
      'Whether a person must approve before a model is promoted (temper approve RUN); required alone waits for half of the time between two runs, at most a day.',
    ),
  keep: z.int().min(1).max(1000).default(3).describe('Promoted models to keep, the current one included.'),
});
export type RetrainFile = z.infer<typeof RetrainFileSchema>;
