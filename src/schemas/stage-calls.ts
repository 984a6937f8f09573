import { z } from 'zod';
import { AnsweringHostSchema, FleetNameSchema, RunNameSchema, SpecTextSchema, WorkspaceSchema } from './call-fields.js';
import { CheckpointBudgetsSchema, ResumeNoteSchema } from './checkpoint.js';
import { LeaseGrantSchema, OwnerSchema } from './fleet-calls.js';
import { GangBookStateSchema } from './gang.js';
import { HostRecordSchema, LeaseNumberSchema } from './host.js';
import { IncidentSchema } from './incident.js';
import { PipelinePlanSchema, RecoverySchema, StageNameSchema, StagePlanSchema } from './plan.js';
import { ProblemSchema } from './problem.js';
import { RunRequestSchema } from './recovery.js';
import { FactsSchema, SpecSetSchema } from './run.js';
import { TimingSchema } from './timing.js';

/** Reference to the output of a finished stage: names only, the receipt lies in the workspace. */
export const StageRefSchema = z.object({
  stage: StageNameSchema,
  key: z.string().describe('Store key: hash of all that it is made from; of the environment its digest.'),
  digest: z.string().describe('Hash of what was made, on which later stages depend.'),
});
export type StageRef = z.infer<typeof StageRefSchema>;

/** Argument of `planPipeline`. */
export const PlanCallSchema = z.object({
  v: z.literal(1),
  run: RunNameSchema,
  specText: SpecTextSchema,
  set: z.array(SpecSetSchema).max(64).describe('Corrections to make before it is planned.'),
});
export type PlanCall = z.infer<typeof PlanCallSchema>;

/** Answer of `planPipeline`: a plan with the (corrected) spec text, or problems. */
export const PlanAnswerSchema = z.object({
  v: z.literal(1),
  specText: z.string().describe('Spec with its corrections; without a plan as it was given.'),
  plan: PipelinePlanSchema.nullable().describe('null: the problems prevent one.'),
  problems: z.array(ProblemSchema).describe('Why there is no plan; empty with one.'),
});
export type PlanAnswer = z.infer<typeof PlanAnswerSchema>;

/** Argument of `awaitHosts`. */
export const AwaitHostsCallSchema = z.object({
  v: z.literal(1),
  fleet: FleetNameSchema,
  count: z.number().describe('Hosts that there must be, not counting those set aside.'),
  waitMs: z.number().describe('How long to wait for missing hosts before the run blocks.'),
});
export type AwaitHostsCall = z.infer<typeof AwaitHostsCallSchema>;
/** Answer of `awaitHosts`. */
export const HostsAnswerSchema = z.object({
  v: z.literal(1),
  hosts: z.array(HostRecordSchema).describe('All that announced themselves and are not set aside, by name.'),
});
export type HostsAnswer = z.infer<typeof HostsAnswerSchema>;

/** Argument of `openRun`: writes the run's folder. */
export const OpenRunCallSchema = z.object({
  v: z.literal(1),
  specText: SpecTextSchema,
  plan: PipelinePlanSchema.describe('Plan of the spec; it names run and workspace.'),
  request: RunRequestSchema.optional().describe('Kept in the folder, to rebuild the run from it.'),
  stages: z
    .array(StageNameSchema)
    .optional()
    .describe('Stages that will run, whose files are looked at now; older workflows name none.'),
});
export type OpenRunCall = z.infer<typeof OpenRunCallSchema>;

/** What every stage activity is told. The spec itself is read from the run's folder and must match `specDigest`. */
export const StageCallSchema = z.object({
  v: z.literal(1),
  run: RunNameSchema,
  owner: OwnerSchema.describe('The workflow of the run: claims are made in its name.'),
  workspace: WorkspaceSchema,
  specDigest: z.string().describe('Hash of the validated spec that the plan was made from.'),
  stage: StagePlanSchema.describe('The stage, as it was planned.'),
  needs: z.array(StageRefSchema).describe('Outputs of the stages that it needs.'),
  tryNumber: z.number().describe('Rises with every resume; a new try runs the commands again.'),
  isFresh: z.boolean().describe('Make the output again although a receipt exists.'),
  timing: TimingSchema.describe('All limits and intervals.'),
});
export type StageCall = z.infer<typeof StageCallSchema>;

/** Outcome of a stage. */
export const StageDoneSchema = z.object({
  v: z.literal(1),
  ref: StageRefSchema.describe('Its output.'),
  reused: z.boolean().describe('It was there already; of the environment: every host had proven its software before.'),
  host: z.string().describe('Host that made it, also where it was reused; of the environment the first one.'),
  durationMs: z.number().describe('How long the run was busy with it.'),
  facts: FactsSchema.describe('Small results by name, which status and later stages show.'),
});
export type StageDone = z.infer<typeof StageDoneSchema>;

/** Answer of `lookUpStage`: the outcome when the store already has a proven output. */
export const LookUpAnswerSchema = z.object({
  v: z.literal(1),
  done: StageDoneSchema.nullable().describe('null: it has to be made.'),
});
export type LookUpAnswer = z.infer<typeof LookUpAnswerSchema>;

/** Answer of `ensureEnvironment` on one host. */
export const EnvironmentAnswerSchema = z.object({
  v: z.literal(1),
  host: AnsweringHostSchema,
  lock: z.record(z.string(), z.string()).describe('Version or commit of what is installed, by name.'),
  digest: z.string().describe('Hash of the lock; hosts that train together have the same.'),
  reused: z.boolean().describe('true: this host had proven it before; false: it was proven now.'),
  warnings: z.array(z.string()).optional().describe('What deserves attention and stops nothing.'),
});
export type EnvironmentAnswer = z.infer<typeof EnvironmentAnswerSchema>;

/** Answer of `openAttempt`: where the gang meets and what it starts from. */
export const AttemptSchema = z.object({
  v: z.literal(1),
  attempt: z.number().describe('Next free number in the workspace, by mkdir.'),
  masterAddress: z.string().describe('Where the ranks meet: address of the first host.'),
  masterPort: z.number().describe('Port of the meeting place.'),
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
  lease: LeaseNumberSchema,
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
  attempt: AttemptSchema.describe('The attempt, as openAttempt answered.'),
  lease: LeaseNumberSchema,
  nodeRank: z.number().describe('Place of the host in the gang, from 0.'),
  nodeCount: z.number().describe('Hosts of the gang; their records travel once, with openAttempt.'),
});
export type TrainCall = z.infer<typeof TrainCallSchema>;

/** Argument of `stopNode`. */
export const StopNodeCallSchema = TrainCallSchema.extend({
  reason: z.string().max(200).describe("Why, for the keeper's exit record."),
  graceMs: z.number().describe('Time between TERM and KILL: short after a fault, room for a checkpoint on request.'),
});
export type StopNodeCall = z.infer<typeof StopNodeCallSchema>;

const loggedIteration = z
  .number()
  .nullable()
  .describe('Newest iteration in the rank logs of the host; null: none, as where its ranks log no iterations.');

/** Outcome of one host's part of an attempt. */
export const NodeDoneSchema = z.object({
  v: z.literal(1),
  host: AnsweringHostSchema,
  lastIteration: loggedIteration,
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
  host: AnsweringHostSchema,
  state: z.string().describe('State of the keeper: running, exited, absent, ...'),
  lastIteration: loggedIteration,
  writtenAtMs: z
    .number()
    .nullable()
    .optional()
    .describe('When the ranks of any host last wrote into the workspace, ms by its clock; null: nothing yet.'),
});
export type NodeLook = z.infer<typeof NodeLookSchema>;

/** Answer of `findNewestCheckpoint`: the newest proven checkpoint of the run; null when there is none. */
export const NewestCheckpointSchema = z.object({
  v: z.literal(1),
  iteration: z.number().nullable().describe('Iteration that it was saved at; null: there is none.'),
});
export type NewestCheckpoint = z.infer<typeof NewestCheckpointSchema>;

/** Argument of `recordIncident`. */
export const RecordIncidentCallSchema = z.object({
  v: z.literal(1),
  workspace: WorkspaceSchema,
  incident: IncidentSchema.describe('The incident, again when more is known of it.'),
});
export type RecordIncidentCall = z.infer<typeof RecordIncidentCallSchema>;

/** Answer of `recordIncident`: how many incidents the run has had. */
export const IncidentAnswerSchema = z.object({
  v: z.literal(1),
  incidents: z.number().describe('Incidents that the folder of the run records, this one included.'),
});
export type IncidentAnswer = z.infer<typeof IncidentAnswerSchema>;

/** What a gang remembers over continue-as-new: its lease, its budgets and its clock. */
export const GangCarrySchema = z.object({
  request: z.string().describe('Request of the lease that is held.'),
  grant: LeaseGrantSchema.describe('The lease with its hosts.'),
  book: GangBookStateSchema.describe('Budgets, blames and clock of the gang so far.'),
});
export type GangCarry = z.infer<typeof GangCarrySchema>;

/** Input of the workflow `trainGang`. */
export const GangInputSchema = z.object({
  v: z.literal(1),
  fleet: FleetNameSchema,
  hosts: z.number().describe('Hosts that train together.'),
  call: StageCallSchema.describe('The stage of the training: each activity of the gang is told it.'),
  probeHosts: z.array(z.string()).describe('Hosts that may look into the workspace before the lease is granted.'),
  environmentDigest: z
    .string()
    .describe('Hash of the software that the stage environment found on all hosts; others do not train.'),
  spares: z.number().describe('Hosts that the fleet keeps free for this gang.'),
  recovery: RecoverySchema.describe('What happens after failures.'),
  leaseWaitMs: z.number().optional().describe('Longest wait for the first lease; without it, as long as it takes.'),
  attemptsPerExecution: z
    .number()
    .optional()
    .describe('Attempts before continue-as-new; the server suggests it when left out.'),
  carry: GangCarrySchema.optional().describe('Set by continue-as-new.'),
});
export type GangInput = z.infer<typeof GangInputSchema>;
