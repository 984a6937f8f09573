import { z } from 'zod';
import { CheckpointBudgetsSchema, ResumeNoteSchema } from './checkpoint.js';
import { LeaseGrantSchema, OwnerSchema } from './fleet-calls.js';
import { GangBookStateSchema } from './gang.js';
import { HostRecordSchema } from './host.js';
import { IncidentSchema } from './incident.js';
import { PipelinePlanSchema, RecoverySchema, StageNameSchema, StagePlanSchema } from './plan.js';
import { ProblemSchema } from './problem.js';
import { RunRequestSchema } from './recovery.js';
import { FactsSchema, SpecSetSchema } from './run.js';
import { TimingSchema } from './timing.js';
import { NameSchema } from './units.js';

/** Reference to the output of a finished stage: names only, the receipt lies in the workspace. */
export const StageRefSchema = z.object({
  stage: StageNameSchema,
  key: z.string(),
  digest: z.string(),
});
export type StageRef = z.infer<typeof StageRefSchema>;

/** Argument of `planPipeline`. */
export const PlanCallSchema = z.object({
  v: z.literal(1),
  run: NameSchema,
  specText: z.string().max(65_536),
  set: z.array(SpecSetSchema).max(64),
});
export type PlanCall = z.infer<typeof PlanCallSchema>;

/** Answer of `planPipeline`: a plan with the (corrected) spec text, or problems. */
export const PlanAnswerSchema = z.object({
  v: z.literal(1),
  specText: z.string(),
  plan: PipelinePlanSchema.nullable(),
  problems: z.array(ProblemSchema),
});
export type PlanAnswer = z.infer<typeof PlanAnswerSchema>;

/** Argument of `awaitHosts`. */
export const AwaitHostsCallSchema = z.object({
  v: z.literal(1),
  fleet: NameSchema,
  count: z.number(),
  waitMs: z.number().describe('How long to wait for missing hosts before the run blocks.'),
});
export type AwaitHostsCall = z.infer<typeof AwaitHostsCallSchema>;
/** Answer of `awaitHosts`. */
export const HostsAnswerSchema = z.object({ v: z.literal(1), hosts: z.array(HostRecordSchema) });
export type HostsAnswer = z.infer<typeof HostsAnswerSchema>;

/** Argument of `openRun`: writes the run's folder. */
export const OpenRunCallSchema = z.object({
  v: z.literal(1),
  specText: z.string().max(65_536),
  plan: PipelinePlanSchema,
  request: RunRequestSchema.optional().describe('Kept in the folder, to rebuild the run from it.'),
});
export type OpenRunCall = z.infer<typeof OpenRunCallSchema>;

/** What every stage activity is told. The spec itself is read from the run's folder and must match `specDigest`. */
export const StageCallSchema = z.object({
  v: z.literal(1),
  run: NameSchema,
  owner: OwnerSchema.describe('The workflow of the run: claims are made in its name.'),
  workspace: z.string(),
  specDigest: z.string(),
  stage: StagePlanSchema,
  needs: z.array(StageRefSchema),
  tryNumber: z.number().describe('Rises with every resume; a new try runs the commands again.'),
  isFresh: z.boolean().describe('Make the output again although a receipt exists.'),
  timing: TimingSchema,
});
export type StageCall = z.infer<typeof StageCallSchema>;

/** Outcome of a stage. */
export const StageDoneSchema = z.object({
  v: z.literal(1),
  ref: StageRefSchema,
  reused: z.boolean(),
  host: z.string(),
  durationMs: z.number(),
  facts: FactsSchema,
});
export type StageDone = z.infer<typeof StageDoneSchema>;

/** Answer of `lookUpStage`: the outcome when the store already has a proven output. */
export const LookUpAnswerSchema = z.object({ v: z.literal(1), done: StageDoneSchema.nullable() });
export type LookUpAnswer = z.infer<typeof LookUpAnswerSchema>;

/** Answer of `ensureEnvironment` on one host. */
export const EnvironmentAnswerSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  lock: z.record(z.string(), z.string()),
  digest: z.string(),
  reused: z.boolean(),
  warnings: z.array(z.string()).optional().describe('What deserves attention and stops nothing.'),
});
export type EnvironmentAnswer = z.infer<typeof EnvironmentAnswerSchema>;

/** Answer of `openAttempt`: where the gang meets and what it starts from. */
export const AttemptSchema = z.object({
  v: z.literal(1),
  attempt: z.number().describe('Next free number in the workspace, by mkdir.'),
  masterAddress: z.string(),
  masterPort: z.number(),
  loadIteration: z.number().nullable().describe('Iteration that the load view shows; null is the converted weights.'),
  lastIteration: z.number().nullable().describe('Set when a proven checkpoint already holds the last iteration.'),
  budgets: CheckpointBudgetsSchema.optional().describe(
    'What a save and a load may take; absent where it is not known.',
  ),
  preprocessRowsPerSecond: z
    .number()
    .optional()
    .describe('Rows that one host prepared in a second, in the slowest earlier attempt; absent before there is one.'),
});
export type Attempt = z.infer<typeof AttemptSchema>;

/** Argument of `openAttempt`. */
export const OpenAttemptCallSchema = StageCallSchema.extend({
  lease: z.number(),
  hosts: z
    .array(HostRecordSchema)
    .describe('From older workflows the first one, where the gang meets, or all; the host knows its own address.'),
  hostNames: z
    .array(z.string())
    .optional()
    .describe('All hosts by node rank, as `packHosts` tells them; from older workflows they stand in `hosts`.'),
});
export type OpenAttemptCall = z.infer<typeof OpenAttemptCallSchema>;

/** Argument of `trainNode`, `stopNode`, `lookAtNode`, `collectEvidence` and `sealTraining`. */
export const TrainCallSchema = StageCallSchema.extend({
  attempt: AttemptSchema,
  lease: z.number(),
  nodeRank: z.number(),
  nodeCount: z.number().describe('Hosts of the gang; their records travel once, with openAttempt.'),
});
export type TrainCall = z.infer<typeof TrainCallSchema>;

/** Argument of `stopNode`. */
export const StopNodeCallSchema = TrainCallSchema.extend({
  reason: z.string().max(200).describe("Why, for the keeper's exit record."),
  graceMs: z.number().describe('Time between TERM and KILL: short after a fault, room for a checkpoint on request.'),
});
export type StopNodeCall = z.infer<typeof StopNodeCallSchema>;

/** Outcome of one host's part of an attempt. */
export const NodeDoneSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  lastIteration: z.number().nullable(),
  hasEnded: z.boolean().describe("Whether this host's rank logs hold the end milestone."),
  stepMs: z.number().nullable().optional().describe('Mean time of an iteration, ms; null on hosts that log none.'),
  firstIterationAt: z
    .string()
    .nullable()
    .optional()
    .describe('When the first iteration was logged, as closely as known, RFC 3339.'),
  resume: ResumeNoteSchema.nullable().optional().describe('What the attempt restored; null where nobody can tell.'),
});
export type NodeDone = z.infer<typeof NodeDoneSchema>;

/** Argument of `sealTraining`. */
export const SealCallSchema = TrainCallSchema.extend({
  nodes: z.array(NodeDoneSchema).describe('Nodes that show what was reached; those that say no more are left out.'),
});
export type SealCall = z.infer<typeof SealCallSchema>;

/** Answer of `lookAtNode`: whether a training moves. */
export const NodeLookSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  state: z.string().describe('State of the keeper: running, exited, absent, ...'),
  lastIteration: z.number().nullable(),
  writtenAtMs: z
    .number()
    .nullable()
    .optional()
    .describe('When the ranks of any host last wrote into the workspace, ms by its clock; null: nothing yet.'),
});
export type NodeLook = z.infer<typeof NodeLookSchema>;

/** Answer of `findNewestCheckpoint`: the newest proven checkpoint of the run; null when there is none. */
export const NewestCheckpointSchema = z.object({ v: z.literal(1), iteration: z.number().nullable() });
export type NewestCheckpoint = z.infer<typeof NewestCheckpointSchema>;

/** Argument of `recordIncident`. */
export const RecordIncidentCallSchema = z.object({
  v: z.literal(1),
  workspace: z.string(),
  incident: IncidentSchema,
});
export type RecordIncidentCall = z.infer<typeof RecordIncidentCallSchema>;

/** Answer of `recordIncident`: how many incidents the run has had. */
export const IncidentAnswerSchema = z.object({ v: z.literal(1), incidents: z.number() });
export type IncidentAnswer = z.infer<typeof IncidentAnswerSchema>;

/** What a gang remembers over continue-as-new: its lease, its budgets and its clock. */
export const GangCarrySchema = z.object({
  request: z.string().describe('Request of the lease that is held.'),
  grant: LeaseGrantSchema,
  book: GangBookStateSchema,
});
export type GangCarry = z.infer<typeof GangCarrySchema>;

/** Input of the workflow `trainGang`. */
export const GangInputSchema = z.object({
  v: z.literal(1),
  fleet: NameSchema,
  hosts: z.number(),
  call: StageCallSchema,
  probeHosts: z.array(z.string()).describe('Hosts that may look into the workspace before the lease is granted.'),
  environmentDigest: z.string(),
  spares: z.number().describe('Hosts that the fleet keeps free for this gang.'),
  recovery: RecoverySchema,
  leaseWaitMs: z.number().optional().describe('Longest wait for the first lease; without it, as long as it takes.'),
  attemptsPerExecution: z
    .number()
    .optional()
    .describe('Attempts before continue-as-new; the server suggests it when left out.'),
  carry: GangCarrySchema.optional().describe('Set by continue-as-new.'),
});
export type GangInput = z.infer<typeof GangInputSchema>;
