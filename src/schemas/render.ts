import { z } from 'zod';
import { StageNameSchema } from './plan.js';

const FactSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** What a host answers to `temper render RUN`: what the scripts of the run are made from. */
export const RenderAnswerSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  specText: z.string().describe('Spec of the run with its corrections.'),
  scratch: z.string().describe("Folder on the host's own disk."),
  networkInterface: z.string().nullable().describe('Interface that has the training address; null when none has.'),
  tools: z.object({
    python: z.string(),
    node: z.string(),
    temper: z.string(),
    programs: z.string(),
    environment: z.string().optional(),
    cpus: z.number(),
  }),
  measured: z
    .object({ saveMs: z.number().nullable(), preprocessRowsPerSecond: z.number().nullable() })
    .optional()
    .describe('What the attempts of the run measured; absent from an older host.'),
  checkpoint: z
    .string()
    .optional()
    .describe('Folder of the checkpoint that the spec starts from (train.fromCheckpoint), where it names one.'),
  gang: z.array(z.string()).describe('Hosts of the newest attempt by node rank; empty before the first.'),
  known: z
    .partialRecord(
      StageNameSchema,
      z.object({
        dir: z.string(),
        outputs: z.record(z.string(), z.string()),
        facts: z.record(z.string(), FactSchema),
      }),
    )
    .describe('Outputs that exist already, by stage.'),
});
export type RenderAnswer = z.infer<typeof RenderAnswerSchema>;
