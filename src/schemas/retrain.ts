import { z } from 'zod';
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
  z.object({ by: z.literal('command'), argv: z.array(z.string()) }),
]);
export type Evaluation = z.infer<typeof EvaluationSchema>;

/** When a schedule starts runs, as it was applied: the server keeps a cron expression in another form. */
export const WhenSchema = z.object({
  cron: z.string().nullable(),
  everyMs: z.number().nullable(),
  timezone: z.string(),
  jitterMs: z.number(),
  catchupMs: z.number(),
  overlap: z.enum(['SKIP', 'BUFFER_ONE']),
  pauseOnFailure: z.boolean(),
});
export type When = z.infer<typeof WhenSchema>;

/** Input of the workflow `scheduledRetrain`, frozen in the schedule when it is applied. */
export const RetrainInputSchema = z.object({
  v: z.literal(1),
  schedule: NameSchema,
  model: NameSchema,
  fleet: NameSchema,
  hosts: z.number().describe('Hosts that the pipeline needs.'),
  workspace: z.string(),
  specText: z.string().max(65_536).describe('The spec as YAML with absolute paths; may hold {{date}}.'),
  when: WhenSchema,
  inputs: z.array(DailyInputSchema),
  startFrom: z.enum(['base', 'promoted']),
  evaluation: EvaluationSchema,
  leaseWaitMs: z.number().optional().describe('Longest wait for hosts; 12 hours in inputs of before it was told.'),
  evaluationMs: z.number().describe('Longest measurement of one model.'),
  gate: z.array(z.string()),
  approvalMs: z.number().nullable().describe('How long to wait for an approval; null when none is needed.'),
  keep: z.number().describe('Promoted models to keep, the current one included.'),
  timing: TimingSchema,
});
export type RetrainInput = z.infer<typeof RetrainInputSchema>;

/** Where a retrain stands, or what it came to. */
export const RetrainStateSchema = z.enum(['running', 'approval', 'promoted', 'skipped', 'refused', 'failed']);
export type RetrainState = z.infer<typeof RetrainStateSchema>;

/** What `describe()` answers about a retrain with no worker alive: the memo key `temperRetrain`. */
export const RetrainMemoSchema = z.object({
  v: z.literal(1),
  state: RetrainStateSchema,
  phase: z.string().describe('What it does now.'),
  run: NameSchema.nullable().describe('Its pipeline run, once it is begun.'),
  reason: z.string().nullable(),
  model: NameSchema.optional().describe('Model that it retrains; older retrains do not tell it.'),
  workspace: z.string().optional().describe('Workspace of the model.'),
});
export type RetrainMemo = z.infer<typeof RetrainMemoSchema>;

/** Result of a retrain that did not fail. */
export const RetrainResultSchema = z.object({
  v: z.literal(1),
  outcome: z.enum(['promoted', 'skipped', 'refused']),
  reason: z.string(),
  run: NameSchema.nullable(),
  version: z.number().nullable().describe('Number of the model that was promoted.'),
  startedFrom: z.number().nullable().describe('Number of the promoted model that the training started from.'),
  metrics: MetricsSchema.nullable(),
  promotedMetrics: MetricsSchema.nullable().describe('Of the model that was current before, on the same rows.'),
});
export type RetrainResult = z.infer<typeof RetrainResultSchema>;

/** Argument of the update `approveRetrain`. */
export const ApproveRequestSchema = z.object({
  v: z.literal(1),
  isApproved: z.boolean(),
  by: z.string().max(100),
  reason: z.string().max(500),
});
export type ApproveRequest = z.infer<typeof ApproveRequestSchema>;

/** Argument of `resolveRetrain`: what the inputs of a day are. */
export const ResolveCallSchema = z.object({
  v: z.literal(1),
  input: RetrainInputSchema,
  at: z.string().describe('Time for which the run was scheduled, RFC 3339.'),
});
export type ResolveCall = z.infer<typeof ResolveCallSchema>;

/** Answer of `resolveRetrain`. */
export const ResolveAnswerSchema = z.object({
  v: z.literal(1),
  specText: z.string().max(65_536),
  fingerprint: z.string().describe('Of everything that the training depends on but where it starts.'),
  promoted: z.number().nullable().describe('Number of the current model.'),
  skip: z.string().nullable().describe('Why there is nothing to train.'),
});
export type ResolveAnswer = z.infer<typeof ResolveAnswerSchema>;

/** Argument of `evaluateModels`. */
export const EvaluateCallSchema = z.object({
  v: z.literal(1),
  workspace: z.string(),
  run: NameSchema,
  model: NameSchema,
  promoted: z.number().nullable(),
  owner: z.object({ workflowId: z.string(), runId: z.string(), firstRunId: z.string() }),
  evaluation: EvaluationSchema,
  fingerprint: z.string().optional().describe('Of the inputs; kept for a person who promotes the run.'),
  startedFrom: z.number().nullable().optional(),
  timing: TimingSchema,
});
export type EvaluateCall = z.infer<typeof EvaluateCallSchema>;

/** Answer of `evaluateModels`. */
export const EvaluateAnswerSchema = z.object({
  v: z.literal(1),
  host: HostNameSchema,
  candidate: MetricsSchema,
  promoted: MetricsSchema.nullable(),
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
  workspace: z.string(),
  model: NameSchema,
  run: NameSchema,
  token: z
    .string()
    .max(100)
    .describe('Of the retrain: a repeated call is the same decision, another retrain of the run is not.'),
  expected: z.number().nullable().describe('Current model that the gate compared with; another one refuses.'),
  fingerprint: z.string().nullable(),
  startedFrom: z.number().nullable(),
  metrics: MetricsSchema.nullable(),
  by: z.string().max(200),
  why: z.string().max(1000),
  keep: z.number().nullable(),
});
export type PromoteCall = z.infer<typeof PromoteCallSchema>;

/** Answer of `promoteModel`. */
export const PromoteAnswerSchema = z.object({
  v: z.literal(1),
  isPromoted: z.boolean(),
  version: z.number().nullable(),
  why: z.string().nullable().describe('Why it was not promoted.'),
  removed: z.array(z.number()).describe('Older models that were given up.'),
});
export type PromoteAnswer = z.infer<typeof PromoteAnswerSchema>;
