import { z } from 'zod';
import { StageNameSchema } from './plan.js';

/** `runs/<run>/request.json`: what a run was asked for beside its spec, so that it can be rebuilt from its folder. */
export const RunRequestSchema = z.looseObject({
  v: z.literal(1),
  from: StageNameSchema.nullable().describe('This stage and all after it were to be made again.'),
  until: StageNameSchema.nullable().describe('The run was to stop after this stage.'),
  onFailure: z.enum(['park', 'fail']).describe('park waits for a person; fail ends the run (scheduled runs).'),
  startedAt: z.string().describe('When the workflow of the run began, RFC 3339.'),
});
export type RunRequest = z.infer<typeof RunRequestSchema>;

/** What the folder of a run tells about it, as one host reads it: answer of the host call `surveyRun`. */
export const RunSurveySchema = z.object({
  v: z.literal(1),
  run: z.string(),
  workspace: z.string(),
  host: z.string().describe('Host that looked.'),
  fleet: z.string().describe('Fleet that the run needs.'),
  recipe: z.string(),
  specText: z.string().max(65_536).describe('The spec that the newest plan was made from.'),
  specDigest: z.string(),
  request: RunRequestSchema.nullable().describe('null: written by a Temper that did not keep it; a whole run then.'),
  stages: z
    .array(
      z.object({
        name: StageNameSchema,
        isDone: z.boolean().describe('Its receipt stands in the store: the stage will be reused.'),
        at: z.string().nullable().describe('When this run noted it as done, RFC 3339.'),
      }),
    )
    .describe('In the order of the plan.'),
  attempt: z
    .object({ number: z.number(), hosts: z.array(z.string()), loadIteration: z.number().nullable(), at: z.string() })
    .nullable()
    .describe('The newest attempt of the training; null before there was one.'),
  checkpoint: z
    .object({ iteration: z.number(), attempt: z.number() })
    .nullable()
    .describe('Newest checkpoint that the ledger has as proven; it is looked at again before it is loaded.'),
  iterations: z.number().describe('Iterations of the whole training.'),
  incidents: z.number(),
});
export type RunSurvey = z.infer<typeof RunSurveySchema>;

/** One host that may still run commands of a lost run. */
export const SurveyedHostSchema = z.object({
  host: z.string(),
  isReached: z.boolean(),
  running: z.array(z.string()).describe('Ids of the keepers whose commands run there.'),
});
export type SurveyedHost = z.infer<typeof SurveyedHostSchema>;

/** What `temper recover RUN -o json` prints. */
export const RecoveryAnswerSchema = z.object({
  v: z.literal(1),
  run: z.string(),
  recovered: z.boolean().describe('false: only looked (--dry-run).'),
  survey: RunSurveySchema.omit({ specText: true }),
  hosts: z.array(SurveyedHostSchema),
  stopped: z.array(z.string()).describe('Keepers whose commands were stopped and proven dead before the start.'),
});
export type RecoveryAnswer = z.infer<typeof RecoveryAnswerSchema>;
