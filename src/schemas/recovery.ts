import { z } from 'zod';
import { WorkspaceSchema } from './call-fields.js';
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
  run: z.string().describe('Name of the run.'),
  workspace: WorkspaceSchema,
  host: z.string().describe('Host that looked.'),
  fleet: z.string().describe('Fleet that the run needs.'),
  recipe: z.string().describe('Id of the recipe that planned it.'),
  specText: z.string().max(65_536).describe('The spec that the newest plan was made from.'),
  specDigest: z.string().describe('Hash of that spec.'),
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
    .object({
      number: z.number().describe('Its number, from 1.'),
      hosts: z.array(z.string()).describe('Names of its hosts by node rank; commands may still run there.'),
      loadIteration: z.number().nullable().describe('Iteration that it started from; null: converted weights.'),
      at: z.string().describe('When it was opened, RFC 3339.'),
    })
    .nullable()
    .describe('The newest attempt of the training; null before there was one.'),
  checkpoint: z
    .object({
      iteration: z.number().describe('Iteration that it was saved at.'),
      attempt: z.number().describe('Number of the attempt that saved it.'),
    })
    .nullable()
    .describe('Newest checkpoint that the ledger has as proven; it is looked at again before it is loaded.'),
  iterations: z.number().describe('Iterations of the whole training.'),
  incidents: z.number().describe('Failures of the training so far, as the folder records them.'),
});
export type RunSurvey = z.infer<typeof RunSurveySchema>;

/** One host that may still run commands of a lost run. */
export const SurveyedHostSchema = z.object({
  host: z.string().describe('Name of the host: of the fleet, or of the newest attempt.'),
  isReached: z.boolean().describe('false: it did not answer; what runs there ends by the fence of the new attempt.'),
  running: z.array(z.string()).describe('Ids of the keepers whose commands run there.'),
});
export type SurveyedHost = z.infer<typeof SurveyedHostSchema>;

/** What `temper recover RUN -o json` prints. */
export const RecoveryAnswerSchema = z.object({
  v: z.literal(1),
  run: z.string().describe('Name of the run.'),
  recovered: z.boolean().describe('false: only looked (--dry-run).'),
  survey: RunSurveySchema.omit({ specText: true }).describe('What its folder told before anything was done.'),
  hosts: z
    .array(SurveyedHostSchema)
    .describe('Hosts that may run commands of it, by name, as they answered before the start.'),
  stopped: z.array(z.string()).describe('Keepers whose commands were stopped and proven dead before the start.'),
});
export type RecoveryAnswer = z.infer<typeof RecoveryAnswerSchema>;
