import { z } from 'zod';
import { PipelinePlanSchema, StageNameSchema } from './plan.js';
import { ProblemSchema } from './problem.js';

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
]);
export type HostCall = z.infer<typeof HostCallSchema>;

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
  stages: z.array(StageReportSchema),
  problems: z.array(ProblemSchema).describe('What would stop the run: too little disk or memory, unreadable sources.'),
  warnings: z.array(ProblemSchema),
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
