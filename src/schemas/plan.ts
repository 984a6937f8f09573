import { z } from 'zod';
import { ProblemSchema } from './problem.js';
import { NameSchema } from './units.js';

/** The stages that a pipeline may have. */
export const StageNameSchema = z
  .enum(['environment', 'weights', 'data', 'check', 'convert', 'train', 'export', 'verify'])
  .describe('A stage of the pipeline.');
export type StageName = z.infer<typeof StageNameSchema>;

/** Where a stage runs: on every host of the fleet, on any one host, on one leased host, on a leased gang. */
export const PlacementSchema = z.enum(['everyHost', 'anyHost', 'oneHost', 'gang']).describe('Where it runs.');
export type Placement = z.infer<typeof PlacementSchema>;

/** What a stage needs of its host, from real sizes where they are known; 0 is "not known before it runs". */
export const ResourcesSchema = z
  .object({
    diskBytes: z.number().describe('Free bytes needed in the workspace.'),
    ramBytes: z.number().describe('Available memory needed on the host.'),
  })
  .describe('What it needs of a host.');
export type Resources = z.infer<typeof ResourcesSchema>;

/** A file or folder of the user's that a stage reads; it enters the stage's key. */
export const SourceSchema = z.object({
  field: z.string().describe('Spec field that names it.'),
  path: z.string().describe('Absolute path on the hosts.'),
  kind: z
    .enum(['file', 'folder', 'manyFiles'])
    .describe('manyFiles is a folder that counts by names, sizes and times.'),
});
export type Source = z.infer<typeof SourceSchema>;

/** One stage of a plan. */
export const StagePlanSchema = z.object({
  name: StageNameSchema,
  title: z.string().describe('What it does, in a few words.'),
  needs: z.array(StageNameSchema).describe('Stages whose outputs it needs.'),
  placement: PlacementSchema,
  fingerprint: z.string().describe("Hash of the stage's own parameters and the recipe version."),
  programs: z.array(z.string()).describe("Recipe program files that it runs; their content enters the stage's key."),
  sources: z.array(SourceSchema).describe('Files of the user that it reads.'),
  resources: ResourcesSchema,
  timeoutMs: z.number().describe('Longest run of the whole stage.'),
});
export type StagePlan = z.infer<typeof StagePlanSchema>;

/** What happens after failures of the training; the spec's `recovery` in wire units. */
export const RecoverySchema = z.object({
  maxRestartsWithoutProgress: z.number().describe('Restarts until a newer proven checkpoint appears.'),
  spareWaitMs: z.number().describe('How long to wait for a host when a lost one has no spare.'),
  onUnknown: z.enum(['restart', 'stop']).describe('What to do about a failure of unknown cause.'),
});
export type Recovery = z.infer<typeof RecoverySchema>;

/** The plan: what a workflow walks. Made from a spec by pure functions, recorded once, at most 64 kB. */
export const PipelinePlanSchema = z.object({
  v: z.literal(1),
  run: NameSchema.describe('Name of the run.'),
  recipe: z
    .object({ id: z.string().describe('Id of the recipe.'), version: z.number().describe('Enters every fingerprint.') })
    .describe('Recipe that the plan was made by.'),
  specDigest: z.string().describe('Hash of the validated spec.'),
  workspace: z.string().describe('Absolute folder that all hosts see.'),
  fleet: z
    .object({
      name: z.string().describe('Name of the fleet.'),
      hosts: z.number().describe('Hosts that train.'),
      npusPerHost: z.number().describe('Devices, or ranks, of a host.'),
      spares: z.number().describe('Hosts that are kept free beside them.'),
    })
    .describe('Hosts that it asks for.'),
  recovery: RecoverySchema.describe('What happens after failures of the training.'),
  stages: z.array(StagePlanSchema).describe('Stages, each after those that it needs.'),
  warnings: z.array(ProblemSchema).describe('Lints that do not stop the run.'),
  accepted: z.array(z.string()).optional().describe('Ids of errors that the spec accepts on purpose.'),
});
export type PipelinePlan = z.infer<typeof PipelinePlanSchema>;
