import { z } from 'zod';
import { CheckpointEconomySchema, ResumeReportSchema } from './checkpoint.js';
import { PipelinePlanSchema, StageNameSchema } from './plan.js';
import { DoctorCallSchema } from './preflight.js';
import { ProblemSchema } from './problem.js';
import { NameSchema } from './units.js';

/** Argument of `callHost`: the one door from the CLI to a host and to the workspace. */
export const HostCallSchema = z.discriminatedUnion('op', [
  z.object({ v: z.literal(1), op: z.literal('probe') }),
  z.object({
    v: z.literal(1),
    op: z.literal('stopKeepers'),
    prefix: z.string().min(3).max(121),
    reason: z.string().max(200),
    graceMs: z.number(),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('planReport'),
    specText: z.string().max(65_536),
    plan: PipelinePlanSchema,
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
    workspace: z.string().max(1024),
    run: NameSchema.describe('Lists the checkpoints of this run and looks at them.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('models'),
    workspace: z.string().max(1024),
    model: NameSchema.nullable().describe('Only this one; null lists all.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('promoteModel'),
    workspace: z.string().max(1024),
    model: NameSchema,
    run: NameSchema,
    by: z.string().max(200),
    why: z.string().max(1000),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('rollBackModel'),
    workspace: z.string().max(1024),
    model: NameSchema,
    to: z.number().int().nullable().describe('Number of the model; null is the one before the current.'),
    by: z.string().max(200),
    why: z.string().max(1000),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('render'),
    workspace: z.string().max(1024),
    run: NameSchema.describe('Answers what the scripts of this run are made from.'),
  }),
  z.object({
    v: z.literal(1),
    op: z.literal('surveyRun'),
    workspace: z.string().max(1024),
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
    workspace: z.string().max(1024),
    going: z.array(z.string()).max(200).describe('Outputs that would go, such as store/convert/KEY; for a dry run.'),
    isDryRun: z.boolean(),
  }),
]);
export type HostCall = z.infer<typeof HostCallSchema>;

/** Answer of `runningRuns`. */
export const RunningRunsSchema = z.looseObject({ v: z.literal(1), host: z.string(), runs: z.array(z.string()) });
export type RunningRuns = z.infer<typeof RunningRunsSchema>;

/** One stage of `temper plan`. */
export const StageReportSchema = z.object({
  name: StageNameSchema,
  title: z.string(),
  placement: z.string(),
  hosts: z.number(),
  key: z.string().nullable().describe('Store key; null while it depends on an output that does not exist yet.'),
  willReuse: z.boolean().describe('Whether a proven output is there already.'),
  commands: z.array(z.array(z.string())).describe('What would run, as argument arrays.'),
  diskBytes: z.number(),
  ramBytes: z.number(),
});
export type StageReport = z.infer<typeof StageReportSchema>;

/** What `temper plan` prints. */
export const PlanReportSchema = z.object({
  v: z.literal(1),
  run: z.string(),
  recipe: z.string(),
  workspace: z.string(),
  host: z
    .object({ name: z.string(), diskFreeBytes: z.number(), ramAvailableBytes: z.number() })
    .nullable()
    .describe('What is there, seen by this host; null when no host could be asked.'),
  fleet: z
    .object({
      name: z.string(),
      hosts: z.number().describe('Hosts that the run needs.'),
      spares: z.number(),
      ready: z.array(z.string()).describe('Names of the hosts that have a worker and are not set aside.'),
      setAside: z.array(z.object({ host: z.string(), reason: z.string() })),
    })
    .optional()
    .describe('What of the fleet is there; absent when no server was asked.'),
  stages: z.array(StageReportSchema),
  problems: z.array(ProblemSchema).describe('What would stop the run: too little disk or memory, unreadable sources.'),
  warnings: z.array(ProblemSchema),
  checkpoint: CheckpointEconomySchema.optional().describe(
    'What checkpoints cost; absent while the size of the model is not known.',
  ),
});
export type PlanReport = z.infer<typeof PlanReportSchema>;

/** One command that a keeper ran. */
export const KeptCommandSchema = z.object({
  id: z.string(),
  state: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  code: z.number().nullable(),
  stop: z.string().nullable(),
});
export type KeptCommandRecord = z.infer<typeof KeptCommandSchema>;

/** One checkpoint of a run, looked at just now. */
export const ListedCheckpointSchema = z.object({
  iteration: z.number().int(),
  attempt: z.number().int(),
  dir: z.string().describe("Relative to the run's folder."),
  state: z
    .enum(['proven', 'refused', 'unproven', 'removed'])
    .describe(
      'proven: in the ledger and still so; unproven: not in the ledger, being saved or interrupted; removed: by retention.',
    ),
  isInUse: z.boolean().describe('The newest attempt starts from it.'),
  why: z.string().nullable().describe('Why it is refused, or not proven.'),
  bytes: z.number().int(),
  worldSize: z.number().int(),
  hasOptimizer: z.boolean(),
  provenAt: z.string().nullable(),
});
export type ListedCheckpoint = z.infer<typeof ListedCheckpointSchema>;

/** What `temper checkpoint ls RUN -o json` prints. */
export const CheckpointListSchema = z.object({
  v: z.literal(1),
  run: z.string(),
  workspace: z.string(),
  host: z.string().describe('Host that looked.'),
  checkpoints: z.array(ListedCheckpointSchema).describe('Newest first; removed ones last, the newest hundred.'),
  resumes: z
    .array(z.object({ attempt: z.number().int(), refused: z.array(z.string()), report: ResumeReportSchema }))
    .describe('What each attempt that started from a checkpoint restored; the newest twenty.'),
});
export type CheckpointList = z.infer<typeof CheckpointListSchema>;
