import { z } from 'zod';
import {
  AnsweringHostSchema,
  FleetNameSchema,
  ModelNameSchema,
  SpecTextSchema,
  WorkspaceSchema,
} from './call-fields.js';
import { CheckpointEconomySchema, ResumeReportSchema } from './checkpoint.js';
import { PipelinePlanSchema, StageNameSchema } from './plan.js';
import { DoctorCallSchema } from './preflight.js';
import { ProblemSchema } from './problem.js';
import { NameSchema } from './units.js';

const workspace = WorkspaceSchema.max(1024);
const by = z.string().max(200).describe('Login name of the person who decides; somebody where it is not known.');
const why = z.string().max(1000).describe('Reason in words, as the person gave it; by hand without one.');

/** Argument of `callHost`: the one door from the CLI to a host and to the workspace. */
export const HostCallSchema = z.discriminatedUnion('op', [
  z.object({ v: z.literal(1), op: z.literal('probe') }),
  z.object({
    v: z.literal(1),
    op: z.literal('stopKeepers'),
    prefix: z.string().min(3).max(121).describe('Stops all keepers whose ids begin so, such as RUN. or RUN.STAGE.'),
    reason: z.string().max(200).describe("Why, for the keepers' exit records."),
    graceMs: z.number().describe('Time between TERM and KILL.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('planReport'),
    specText: SpecTextSchema,
    plan: PipelinePlanSchema.describe('What the asker made of the spec.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('keepers'),
    run: z.string().max(40).describe('Lists the records of the commands that ran for this run on this host.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('runningRuns').describe('Names the runs of which a command runs on this host.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('checkpoints'),
    workspace,
    run: NameSchema.describe('Lists the checkpoints of this run and looks at them.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('models'),
    workspace,
    model: NameSchema.nullable().describe('Only this one; null lists all.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('promoteModel'),
    workspace,
    model: ModelNameSchema,
    run: NameSchema.describe('Run whose exported model becomes the current one.'),
    by,
    why,
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('rollBackModel'),
    workspace,
    model: ModelNameSchema,
    to: z.number().int().nullable().describe('Number of the model; null is the one before the current.'),
    by,
    why,
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('render'),
    workspace,
    run: NameSchema.describe('Answers what the scripts of this run are made from.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('surveyRun'),
    workspace,
    run: NameSchema.describe('Reads what the folder of this run tells, for a run that Temporal has lost.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('doctor'),
    call: DoctorCallSchema.describe('One step of the preflight list for a person.'),
  }),
  z.object({
    v: z.literal(1),
    op: z
      .literal('collectCopies')
      .describe('Removes copies of weights whose original is gone, or tells which would go.'),
    workspace,
    going: z.array(z.string()).max(200).describe('Outputs that would go, such as store/convert/KEY; for a dry run.'),
    isDryRun: z.boolean().describe('true: only tell what would go.'),
  }),
]);
export type HostCall = z.infer<typeof HostCallSchema>;

/** Answer of `runningRuns`. */
export const RunningRunsSchema = z.looseObject({
  v: z.literal(1),
  host: AnsweringHostSchema,
  runs: z.array(z.string()).describe('Names of runs of which a command runs here, or may: its keeper was killed.'),
});
export type RunningRuns = z.infer<typeof RunningRunsSchema>;

/** One stage of `temper plan`. */
export const StageReportSchema = z.object({
  name: StageNameSchema,
  title: z.string().describe('What it does, in a few words.'),
  placement: z.string().describe('Where it runs: everyHost, anyHost, oneHost or gang.'),
  hosts: z.number().describe('Hosts that it runs on: those of the spec for everyHost and gang, else 1.'),
  key: z.string().nullable().describe('Store key; null while it depends on an output that does not exist yet.'),
  willReuse: z.boolean().describe('Whether a proven output is there already.'),
  commands: z.array(z.array(z.string())).describe('What would run, as argument arrays.'),
  diskBytes: z.number().describe('Free bytes needed in the workspace; 0: none, or not known before it runs.'),
  ramBytes: z.number().describe('Available memory needed on a host, bytes; 0: none, or not known before it runs.'),
});
export type StageReport = z.infer<typeof StageReportSchema>;

/** What `temper plan` prints. */
export const PlanReportSchema = z.object({
  v: z.literal(1),
  run: z.string().describe('Name that the run has or would have.'),
  recipe: z.string().describe('Id of the recipe that planned it.'),
  workspace: WorkspaceSchema,
  host: z
    .object({
      name: AnsweringHostSchema,
      diskFreeBytes: z.number().describe('Free on the disk of the workspace for an ordinary user, bytes.'),
      ramAvailableBytes: z.number().describe('Memory to be had on the host without swapping, bytes.'),
    })
    .nullable()
    .describe('What is there, seen by this host; null when no host could be asked.'),
  fleet: z
    .object({
      name: FleetNameSchema,
      hosts: z.number().describe('Hosts that the run needs.'),
      spares: z.number().describe('Hosts that it may take besides, to replace lost ones.'),
      ready: z.array(z.string()).describe('Names of the hosts that have a worker and are not set aside.'),
      setAside: z
        .array(
          z.object({
            host: z.string().describe('Name of the host.'),
            reason: z.string().describe('Why it gets no lease.'),
          }),
        )
        .describe('Hosts that have a worker and get no lease.'),
    })
    .optional()
    .describe('What of the fleet is there; absent when no server was asked.'),
  stages: z.array(StageReportSchema).describe('In the order of the plan.'),
  problems: z.array(ProblemSchema).describe('What would stop the run: too little disk or memory, unreadable sources.'),
  warnings: z.array(ProblemSchema).describe('What a person should know, and does not stop the run.'),
  accepted: z.array(z.string()).optional().describe('Ids of errors that the spec accepts on purpose.'),
  checkpoint: CheckpointEconomySchema.optional().describe(
    'What checkpoints cost; absent while the size of the model is not known.',
  ),
});
export type PlanReport = z.infer<typeof PlanReportSchema>;

/** One command that a keeper ran. */
export const KeptCommandSchema = z.object({
  id: z.string().describe('Id of its keeper: RUN.STAGE.STEP.NUMBER-CHAIN.'),
  state: z
    .string()
    .describe(
      'running, stopping or exited; absent: never started; unresponsive: its keeper does not answer; lost: its keeper was killed.',
    ),
  startedAt: z.string().nullable().describe('When its keeper began, RFC 3339; null: its keeper has not noted it.'),
  endedAt: z.string().nullable().describe('When it had ended, RFC 3339; null: it has not, as far as is known.'),
  code: z
    .number()
    .nullable()
    .describe('Exit code; null: it runs, could not be started, or ended by a signal or unseen.'),
  stop: z.string().nullable().describe('Why it was stopped; null: it has not ended, or ended by itself.'),
});
export type KeptCommandRecord = z.infer<typeof KeptCommandSchema>;

/** One checkpoint of a run, looked at just now. */
export const ListedCheckpointSchema = z.object({
  iteration: z.number().int().describe('Iteration that it was saved at.'),
  attempt: z.number().int().describe('Number of the attempt that saved it.'),
  dir: z.string().describe("Relative to the run's folder."),
  state: z
    .enum(['proven', 'refused', 'unproven', 'removed'])
    .describe(
      'proven: in the ledger and still so; unproven: not in the ledger, being saved or interrupted; removed: by retention.',
    ),
  isInUse: z.boolean().describe('The newest attempt starts from it.'),
  why: z.string().nullable().describe('Why it is refused, or not proven.'),
  bytes: z.number().int().describe('All shards together.'),
  worldSize: z.number().int().describe('Ranks that saved; 0: not known.'),
  hasOptimizer: z.boolean().describe('It holds optimizer state beside the weights.'),
  provenAt: z.string().nullable().describe('When it was proven first, RFC 3339; null: it is not in the ledger.'),
});
export type ListedCheckpoint = z.infer<typeof ListedCheckpointSchema>;

/** What `temper checkpoint ls RUN -o json` prints. */
export const CheckpointListSchema = z.object({
  v: z.literal(1),
  run: z.string().describe('Name of the run.'),
  workspace: WorkspaceSchema,
  host: z.string().describe('Host that looked.'),
  checkpoints: z.array(ListedCheckpointSchema).describe('Newest first; removed ones last, the newest hundred.'),
  resumes: z
    .array(
      z.object({
        attempt: z.number().int().describe('Number of the attempt.'),
        refused: z.array(z.string()).describe('Newer checkpoints that it did not use, with the reason.'),
        report: ResumeReportSchema.describe('What it restored, as far as its log tells.'),
      }),
    )
    .describe('What each attempt that started from a checkpoint restored; the newest twenty.'),
});
export type CheckpointList = z.infer<typeof CheckpointListSchema>;
