import { z } from 'zod';
import { FleetNameSchema, ModelNameSchema, RunNameSchema, SpecTextSchema, WorkspaceSchema } from './call-fields.js';
import { OwnerSchema } from './fleet-calls.js';
import { TimingSchema } from './timing.js';
import { HostNameSchema, NameSchema, PathSchema } from './units.js';

/** Measured numbers of a model by name, such as `evalLoss`. */
export const MetricsSchema = z.record(z.string().regex(/^[A-Za-z]\w{0,63}$/), z.number());
export type Metrics = z.infer<typeof MetricsSchema>;

/** An input that is looked up anew for each run. */
export const DailyInputSchema = z.union([
  z.strictObject({
    data: NameSchema.describe('Data set of the spec that the files take the place of; one entry each.'),
    glob: PathSchema.describe(
      'Files, with * ? [a-z] within a name and ** for folders, at the end for all below; may hold {{date}}. Each becomes a data set, of which a spec has at most 64.',
    ),
    newest: z.int().min(1).max(63).optional().describe('Use only the last N files in the order of their names.'),
  }),
  z.strictObject({
    hub: NameSchema.describe(
      'Resolve revisions of a hub to their commits of the day: weights is that of weights.source, the name of a data set those of its annotations and images.',
    ),
  }),
]);
export type DailyInput = z.infer<typeof DailyInputSchema>;

/** A command that measures a model. */
export const EvaluationCommandSchema = z.strictObject({
  command: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(100)
    .describe(
      'Argument list; {{model}} is the folder of the model, {{heldOut}} the rows kept aside, {{output}} the JSON file to write. Without {{output}} the last line on stdout is the JSON.',
    ),
});

/** Rows of the user's to measure on. */
export const HeldOutRowsSchema = z.strictObject({
  heldOut: PathSchema.describe("File with rows that no training sees, in the form that the recipe's evaluation reads."),
});

/** How the models of a retrain are measured. */
export const EvaluationSchema = z.discriminatedUnion('by', [
  z.object({
    by: z.literal('recipe'),
    rows: z.string().nullable().describe('null: those that the data stage kept aside.'),
  }),
  z.object({
    by: z.literal('command'),
    argv: z
      .array(z.string())
      .describe('Argument list as in the schedule file, its {{model}} and others not filled yet.'),
  }),
]);
export type Evaluation = z.infer<typeof EvaluationSchema>;

/** When a schedule starts runs, as it was applied: the server keeps a cron expression in another form. */
export const WhenSchema = z.object({
  cron: z.string().nullable().describe('Minute hour day month weekday; null: by everyMs.'),
  everyMs: z.number().nullable().describe('Time between two runs; null: by cron.'),
  timezone: z.string().describe('Zone of the cron expression and of {{date}}, such as Asia/Shanghai.'),
  jitterMs: z.number().describe('Runs start up to this much later.'),
  catchupMs: z.number().describe('A run that was missed is made up for within this time.'),
  overlap: z
    .enum(['SKIP', 'BUFFER_ONE'])
    .describe('While a run is under way: SKIP leaves the next one out, BUFFER_ONE starts one right after it.'),
  pauseOnFailure: z.boolean().describe('Whether a run that fails pauses the schedule.'),
});
export type When = z.infer<typeof WhenSchema>;

/** Input of the workflow `scheduledRetrain`, frozen in the schedule when it is applied. */
export const RetrainInputSchema = z.object({
  v: z.literal(1),
  schedule: NameSchema.describe('Name of the schedule; the names of its runs begin with it.'),
  model: ModelNameSchema,
  fleet: FleetNameSchema,
  hosts: z.number().describe('Hosts that the pipeline needs.'),
  workspace: WorkspaceSchema,
  specText: z.string().max(65_536).describe('The spec as YAML with absolute paths; may hold {{date}}.'),
  when: WhenSchema.describe('When the schedule starts runs.'),
  inputs: z.array(DailyInputSchema).describe('Inputs that are looked up anew for each run.'),
  startFrom: z
    .enum(['base', 'promoted'])
    .describe("Train from the spec's weights, or from the promoted model once there is one."),
  evaluation: EvaluationSchema.describe('How its models are measured.'),
  leaseWaitMs: z.number().optional().describe('Longest wait for hosts; 12 hours in inputs of before it was told.'),
  evaluationMs: z.number().describe('Longest measurement of one model.'),
  gate: z.array(z.string()).describe('Comparisons that must all hold for a model to be promoted.'),
  approvalMs: z.number().nullable().describe('How long to wait for an approval; null when none is needed.'),
  keep: z.number().describe('Promoted models to keep, the current one included.'),
  timing: TimingSchema.describe('All limits and intervals.'),
});
export type RetrainInput = z.infer<typeof RetrainInputSchema>;

/** Where a retrain stands, or what it came to. */
export const RetrainStateSchema = z
  .enum(['running', 'approval', 'promoted', 'skipped', 'refused', 'failed'])
  .describe(
    'approval: it waits for a person; skipped: nothing to train, or no hosts in time; refused: begun, and not promoted.',
  );
export type RetrainState = z.infer<typeof RetrainStateSchema>;

/** What `describe()` answers about a retrain with no worker alive: the memo key `temperRetrain`. */
export const RetrainMemoSchema = z.object({
  v: z.literal(1),
  state: RetrainStateSchema,
  phase: z.string().describe('What it does now.'),
  run: NameSchema.nullable().describe('Its pipeline run, once it is begun.'),
  reason: z
    .string()
    .nullable()
    .describe('Why it stands there or ended so, at most 1000 bytes; null: nothing to tell yet.'),
  model: NameSchema.optional().describe('Model that it retrains; older retrains do not tell it.'),
  workspace: z.string().optional().describe('Workspace of the model.'),
});
export type RetrainMemo = z.infer<typeof RetrainMemoSchema>;

/** Result of a retrain that did not fail. */
export const RetrainResultSchema = z.object({
  v: z.literal(1),
  outcome: z.enum(['promoted', 'skipped', 'refused']).describe('What it came to, as its state says it.'),
  reason: z.string().describe('Why, with the numbers of the gate where it came so far; at most 1000 bytes.'),
  run: NameSchema.nullable().describe('Its pipeline run; null: none was begun.'),
  version: z.number().nullable().describe('Number of the model that was promoted.'),
  startedFrom: z.number().nullable().describe('Number of the promoted model that the training started from.'),
  metrics: MetricsSchema.nullable().describe('Of the model that was trained; null: it was not measured.'),
  promotedMetrics: MetricsSchema.nullable().describe('Of the model that was current before, on the same rows.'),
});
export type RetrainResult = z.infer<typeof RetrainResultSchema>;

/** Argument of the update `approveRetrain`. */
export const ApproveRequestSchema = z.object({
  v: z.literal(1),
  isApproved: z.boolean().describe('false: the model must not be promoted.'),
  by: z.string().max(100).describe('Login name of the person; somebody where it is not known.'),
  reason: z.string().max(500).describe('Why, in words; told where it is refused.'),
});
export type ApproveRequest = z.infer<typeof ApproveRequestSchema>;

/** Argument of `resolveRetrain`: what the inputs of a day are. */
export const ResolveCallSchema = z.object({
  v: z.literal(1),
  input: RetrainInputSchema.describe('What the schedule was applied with.'),
  at: z.string().describe('Time for which the run was scheduled, RFC 3339.'),
  startedAt: z.string().optional().describe('When it began, RFC 3339; older workflows do not tell it.'),
});
export type ResolveCall = z.infer<typeof ResolveCallSchema>;

/** Answer of `resolveRetrain`. */
export const ResolveAnswerSchema = z.object({
  v: z.literal(1),
  specText: SpecTextSchema.describe(
    'The spec of the run, with dates and inputs filled in; not all of them where it is skipped.',
  ),
  fingerprint: z.string().describe('Of everything that the training depends on but where it starts.'),
  promoted: z.number().nullable().describe('Number of the current model.'),
  skip: z.string().nullable().describe('Why there is nothing to train.'),
});
export type ResolveAnswer = z.infer<typeof ResolveAnswerSchema>;

const startedFrom = z
  .number()
  .nullable()
  .describe('Number of the promoted model that the training started from; null: the weights of the spec.');

/** Argument of `evaluateModels`. */
export const EvaluateCallSchema = z.object({
  v: z.literal(1),
  workspace: WorkspaceSchema,
  run: RunNameSchema,
  model: ModelNameSchema,
  promoted: z.number().nullable().describe('Number of the current model, which is measured too; null: there is none.'),
  owner: OwnerSchema.describe('Workflow of the retrain: its commands are told from those of others by it.'),
  evaluation: EvaluationSchema.describe('How to measure.'),
  fingerprint: z.string().optional().describe('Of the inputs; kept for a person who promotes the run.'),
  startedFrom: startedFrom.optional(),
  timing: TimingSchema.describe('All limits and intervals.'),
});
export type EvaluateCall = z.infer<typeof EvaluateCallSchema>;

/** Answer of `evaluateModels`. */
export const EvaluateAnswerSchema = z.object({
  v: z.literal(1),
  host: HostNameSchema.describe('Name of the host that measured.'),
  candidate: MetricsSchema.describe("What was measured of the run's model."),
  promoted: MetricsSchema.nullable().describe('The same of the current model; null: there is none.'),
});
export type EvaluateAnswer = z.infer<typeof EvaluateAnswerSchema>;

/** What a retrain knows of its model, whatever the gate says: `<workspace>/runs/<run>/evaluation/retrain.json`. */
export const RetrainNoteSchema = z.object({
  v: z.literal(1),
  export: z.string().describe('Store key of the model that was measured.'),
  fingerprint: z.string().describe('Of the inputs of the day.'),
  startedFrom: z.number().nullable().describe('Promoted model that its training started from.'),
  metrics: MetricsSchema.describe('What was measured.'),
});
export type RetrainNote = z.infer<typeof RetrainNoteSchema>;

/** Argument of `promoteModel`. */
export const PromoteCallSchema = z.object({
  v: z.literal(1),
  workspace: WorkspaceSchema,
  model: ModelNameSchema,
  run: RunNameSchema,
  token: z
    .string()
    .max(100)
    .describe('Of the retrain: a repeated call is the same decision, another retrain of the run is not.'),
  expected: z.number().nullable().describe('Current model that the gate compared with; another one refuses.'),
  fingerprint: z.string().nullable().describe('Of the inputs of the day; null: not known.'),
  startedFrom,
  metrics: MetricsSchema.nullable().describe('What was measured of the model; null: nothing was.'),
  by: z.string().max(200).describe('Who decides: the schedule, and the person who approved where one had to.'),
  why: z.string().max(1000).describe('What the gate found, in words.'),
  keep: z.number().nullable().describe('Promoted models to keep, the current one included; null: all.'),
});
export type PromoteCall = z.infer<typeof PromoteCallSchema>;

/** Answer of `promoteModel`. */
export const PromoteAnswerSchema = z.object({
  v: z.literal(1),
  isPromoted: z
    .boolean()
    .describe('It was promoted, by this call or an earlier one with its token, or is the current one already.'),
  version: z.number().nullable().describe('Its number among the promoted ones; null: it was not promoted.'),
  why: z.string().nullable().describe('Why it was not promoted.'),
  removed: z.array(z.number()).describe('Older models that were given up.'),
});
export type PromoteAnswer = z.infer<typeof PromoteAnswerSchema>;
