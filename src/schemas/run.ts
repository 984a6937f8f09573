import { z } from 'zod';
import { ResumeNoteSchema } from './checkpoint.js';
import { IncidentEvidenceSchema, IncidentNoteSchema } from './incident.js';
import { StageNameSchema } from './plan.js';
import { PaceSchema, SlowHostSchema } from './pace.js';
import { ProblemSchema } from './problem.js';
import { TimingSchema } from './timing.js';
import { NameSchema } from './units.js';

/** Where a run stands, or how it ended. */
export const RunStateSchema = z
  .enum(['running', 'blocked', 'done', 'failed', 'cancelled', 'terminated'])
  .describe('Where the run stands, or how it ended.');
export type RunState = z.infer<typeof RunStateSchema>;

/** Where a stage stands. */
export const StageStateSchema = z
  .enum(['pending', 'waiting', 'running', 'done', 'reused', 'failed', 'cancelled', 'skipped'])
  .describe('Where the stage stands.');
export type StageState = z.infer<typeof StageStateSchema>;

/** What a run tells of one of its stages. */
export const StageStatusSchema = z.object({
  name: StageNameSchema,
  state: StageStateSchema,
  host: z.string().optional().describe('Host that does or did it; of several, the first.'),
  hosts: z.number().optional().describe('How many hosts do or did it together; absent: one.'),
  startedAt: z.string().optional().describe('RFC 3339, UTC.'),
  durationMs: z.number().optional().describe('How long it took, ms.'),
});
export type StageStatus = z.infer<typeof StageStatusSchema>;

/** Small facts of a finished run or stage, such as first and last loss. */
export const FactsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** What `describe()` answers about a run with no worker alive: the memo key `temper`, at most 2 kB. */
export const RunMemoSchema = z.looseObject({
  v: z.literal(1),
  state: RunStateSchema,
  stage: StageNameSchema.nullable().describe('Stage that runs or that stopped the run.'),
  reason: z.string().nullable().describe('Why the run is blocked or failed.'),
  fix: z.string().nullable().describe('What a person can do about it; null: nothing is to be done.'),
  code: z.string().nullable().describe('Error code of the reason.'),
  checkpoint: z.string().nullable().describe('Newest proven checkpoint, relative to the workspace.'),
  ettr: z.number().nullable().describe('Useful share of the gang time so far, 0 to 1.'),
  incidents: z.number().optional().describe('Failures of the training so far.'),
  incident: IncidentNoteSchema.optional().describe('The last of them.'),
  resume: ResumeNoteSchema.optional().describe('What the newest attempt that resumed a checkpoint restored.'),
  stages: z.array(StageStatusSchema).describe('In the order of the plan.'),
});
export type RunMemo = z.infer<typeof RunMemoSchema>;

/** Input of the workflow `fineTunePipeline`. */
export const PipelineInputSchema = z.object({
  v: z.literal(1),
  run: NameSchema.describe('Name of the run.'),
  specText: z.string().max(65_536).describe('The spec as YAML, with absolute paths; holds no secrets.'),
  timing: TimingSchema.describe('All limits and intervals.'),
  from: StageNameSchema.nullable().describe('Make this stage and all after it again.'),
  until: StageNameSchema.nullable().describe('Stop after this stage.'),
  onFailure: z.enum(['park', 'fail']).describe('park waits for a person; fail ends the run (scheduled runs).'),
  leaseWaitMs: z.number().optional().describe('Longest wait for hosts (scheduled runs); a person waits as it takes.'),
});
export type PipelineInput = z.infer<typeof PipelineInputSchema>;

/** A correction of the spec by `resume --set`. */
export const SpecSetSchema = z.object({
  path: z.string().max(200).describe('Field, with dots: train.learningRate.'),
  value: z.string().max(4096).describe('New value, as YAML.'),
});
export type SpecSet = z.infer<typeof SpecSetSchema>;

/** Argument of the update `resumeRun`. */
export const ResumeRequestSchema = z.object({
  v: z.literal(1),
  set: z.array(SpecSetSchema).max(64).describe('Fields of the spec that are changed.'),
  from: StageNameSchema.nullable().describe('Stage from which outputs are made again; null: none.'),
});
export type ResumeRequest = z.infer<typeof ResumeRequestSchema>;

/** Answer of the update `resumeRun`: accepted, or the problems that keep the run blocked. */
export const ResumeAnswerSchema = z.object({
  v: z.literal(1),
  resumed: z.boolean().describe('false: the spec as changed has problems, and the run stays blocked.'),
  problems: z.array(ProblemSchema).describe('What is wrong with the spec as changed.'),
  invalidated: z.array(StageNameSchema).describe('Finished stages that the change makes again.'),
});
export type ResumeAnswer = z.infer<typeof ResumeAnswerSchema>;

/** Answer of the update `pauseRun`. */
export const PauseAnswerSchema = z.object({
  v: z.literal(1),
  paused: z.boolean().describe('false: there was nothing to stop, because the run ended meanwhile.'),
});
export type PauseAnswer = z.infer<typeof PauseAnswerSchema>;

/** Result of a finished run. */
export const PipelineResultSchema = z.looseObject({
  v: z.literal(1),
  run: z.string().describe('Name of the run.'),
  workspace: z.string().describe('Absolute folder that all hosts see.'),
  exportDir: z.string().nullable().describe('Folder of the exported model; null when the run stopped before it.'),
  facts: z.record(z.string(), FactsSchema).describe('Small facts by stage.'),
  stages: z.array(StageStatusSchema).describe('In the order of the plan.'),
});
export type PipelineResult = z.infer<typeof PipelineResultSchema>;

/** Progress of the work that runs now, from the newest heartbeat. */
export const ProgressSchema = z.looseObject({
  v: z.literal(1),
  stage: z.string().describe('Stage that it is about.'),
  host: z.string().describe('Host that works on it.'),
  phase: z.string().describe('What is being done.'),
  step: z.string().optional().describe('Command within the stage.'),
  text: z.string().optional().describe('Newest line of the command, cut to 160 characters.'),
  done: z.number().optional().describe('Pieces that the command has done, as its progress bar counts them.'),
  total: z.number().optional().describe('Pieces in all.'),
  iteration: z.number().optional().describe('Newest iteration.'),
  of: z.number().optional().describe('Iterations of the whole training.'),
  loss: z.number().nullable().optional().describe('null: not a number.'),
  learningRate: z.number().nullable().optional().describe('Of the newest iteration.'),
  gradNorm: z.number().nullable().optional().describe('Norm of the gradients in the newest iteration.'),
  tokensPerSecond: z.number().optional().describe('Of all hosts together, over the newest iterations.'),
  remainingMs: z.number().optional().describe('For the iterations that are left, without saves and restarts.'),
  sinceLastStepMs: z.number().optional().describe('Time since the newest iteration was logged, ms.'),
  checkpoint: z.number().nullable().optional().describe('Newest iteration that was saved.'),
  pid: z.number().nullable().optional().describe('Process id of the command.'),
  resume: ResumeNoteSchema.optional().describe('What this attempt restored, as far as its log tells.'),
  pace: PaceSchema.optional().describe('How busy the ranks of the host were of late; by it a slow host is found.'),
  slowSaves: z.array(SlowHostSchema).optional().describe('Hosts that the newest save waited for.'),
});
export type Progress = z.infer<typeof ProgressSchema>;

/** What `temper status -o json` prints: the memo, the progress and the outcome in one. */
export const RunStatusSchema = z.looseObject({
  v: z.literal(1),
  run: z.string().describe('Name of the run.'),
  workflowId: z.string().describe('Temporal workflow id.'),
  workflowRunId: z.string().describe('Temporal run id.'),
  fleet: z.string().nullable().describe('Name of the fleet; null: not known.'),
  schedule: z.string().optional().describe('Schedule of the retrain that it belongs to; none: a person started it.'),
  state: RunStateSchema,
  stage: StageNameSchema.nullable().describe('Stage that it is at; null: none.'),
  problem: ProblemSchema.nullable().describe('What is wrong; null: nothing.'),
  checkpoint: z.string().nullable().describe('Newest proven checkpoint; null: none.'),
  ettr: z.number().nullable().optional().describe('Goodput: useful share of the gang time so far, 0 to 1.'),
  incidents: z.number().optional().describe('Failures of the training so far.'),
  incident: IncidentNoteSchema.optional().describe('The last of them.'),
  incidentEvidence: IncidentEvidenceSchema.optional().describe('What shows it, and where its record lies.'),
  resume: ResumeNoteSchema.optional().describe('What the newest attempt that resumed a checkpoint restored.'),
  stages: z.array(StageStatusSchema).describe('In the order of the plan.'),
  progress: z.array(ProgressSchema).describe('Newest heartbeats of the hosts.'),
  slow: z
    .array(SlowHostSchema)
    .optional()
    .describe('Hosts that the others wait for now, and those that the newest save waited for.'),
  startedAt: z.string().describe('RFC 3339, UTC.'),
  closedAt: z.string().nullable().describe('RFC 3339, UTC; null: it is open.'),
  result: PipelineResultSchema.nullable().describe('Of a run that is done.'),
});
export type RunStatus = z.infer<typeof RunStatusSchema>;
