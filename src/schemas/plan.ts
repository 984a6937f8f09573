import { z } from 'zod';
import { ProblemSchema } from './problem.js';
import { NameSchema } from './units.js';

export const StageNameSchema = z.enum([
  'environment',
  'weights',
  'data',
  'check',
  'convert',
  'train',
  'export',
  'verify',
]);
export type StageName = z.infer<typeof StageNameSchema>;

/** Where a stage runs: on every host of the fleet, on any one host, on one leased host, on a leased gang. */
export const PlacementSchema = z.enum(['everyHost', 'anyHost', 'oneHost', 'gang']);
export type Placement = z.infer<typeof PlacementSchema>;

/** What a stage needs of its host, from real sizes where they are known; 0 is "not known before it runs". */
export const ResourcesSchema = z.object({
  diskBytes: z.number().describe('Free bytes needed in the workspace.'),
  ramBytes: z.number().describe('Available memory needed on the host.'),
});
export type Resources = z.infer<typeof ResourcesSchema>;

/** A file or folder of the user's that a stage reads; it enters the stage's key. */
export const SourceSchema = z.object({
  field: z.string().describe('Spec field that names it.'),
  path: z.string().describe('Absolute path on the hosts.'),
  kind: z.enum(['file', 'folder', 'manyFiles']).describe('manyFiles is a folder that counts by names and sizes.'),
});
export type Source = z.infer<typeof SourceSchema>;

export const StagePlanSchema = z.object({
  name: StageNameSchema,
  title: z.string().describe('What it does, in a few words.'),
  needs: z.array(StageNameSchema),
  placement: PlacementSchema,
  fingerprint: z.string().describe("Hash of the stage's own parameters and the recipe version."),
  programs: z.array(z.string()).describe("Recipe program files that it runs; their content enters the stage's key."),
  sources: z.array(SourceSchema),
  resources: ResourcesSchema,
  timeoutMs: z.number().describe('Longest run of the whole stage.'),
});
export type StagePlan = z.infer<typeof StagePlanSchema>;

/** What happens after failures of the training; the spec's `recovery` in wire units. */
export const RecoverySchema = z.object({
  maxRestartsWithoutProgress: z.number().describe('Restarts until a newer proven checkpoint appears.'),
  spareWaitMs: z.number().describe('How long to wait for a host when a lost one has no spare.'),
  onUnknown: z.enum(['restart', 'stop']),
});
export type Recovery = z.infer<typeof RecoverySchema>;

/** The plan: what a workflow walks. Made from a spec by pure functions, recorded once, at most 64 kB. */
export const PipelinePlanSchema = z.object({
  v: z.literal(1),
  run: NameSchema,
  recipe: z.object({ id: z.string(), version: z.number() }),
  specDigest: z.string().describe('Hash of the validated spec.'),
  workspace: z.string(),
  fleet: z.object({ name: z.string(), hosts: z.number(), npusPerHost: z.number(), spares: z.number() }),
  recovery: RecoverySchema,
  stages: z.array(StagePlanSchema),
  warnings: z.array(ProblemSchema).describe('Lints that do not stop the run, and errors accepted by id.'),
});
export type PipelinePlan = z.infer<typeof PipelinePlanSchema>;
