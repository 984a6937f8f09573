import { z } from 'zod';
import { AnsweringHostSchema } from './call-fields.js';
import { StageNameSchema } from './plan.js';

const FactSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** What a host answers to `temper render RUN`: what the scripts of the run are made from. */
export const RenderAnswerSchema = z.object({
  v: z.literal(1),
  host: AnsweringHostSchema,
  specText: z.string().describe('Spec of the run with its corrections.'),
  scratch: z.string().describe("Folder on the host's own disk."),
  networkInterface: z.string().nullable().describe('Interface that has the training address; null when none has.'),
  tools: z
    .object({
      python: z.string().describe('Python interpreter of the training environment, as its commands name it.'),
      node: z.string().describe('Absolute path of Node.'),
      temper: z.string().describe('Absolute path of the command line of Temper, run by Node.'),
      programs: z.string().describe("Absolute folder of the recipe's own programs."),
      environment: z
        .string()
        .optional()
        .describe('Folder of the environment; absent for a recipe that has no place for one.'),
      cpus: z.number().describe('Processors that its worker may use.'),
    })
    .describe('Programs and folders of this host as the recipe uses them for the spec.'),
  measured: z
    .object({
      saveMs: z
        .number()
        .nullable()
        .describe('What a save takes by the measured bandwidth; null: nothing was measured.'),
      preprocessRowsPerSecond: z
        .number()
        .nullable()
        .describe('Rows that one host prepares in a second, in the slowest attempt; null: none tells.'),
    })
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
        dir: z.string().describe('Absolute folder of its entry in the store.'),
        outputs: z
          .record(z.string(), z.string())
          .describe('Absolute paths by name, such as dcp or hf; several have commas between.'),
        facts: z.record(z.string(), FactSchema).describe('Small results of its receipt, by name.'),
      }),
    )
    .describe('Outputs that exist already, by stage.'),
});
export type RenderAnswer = z.infer<typeof RenderAnswerSchema>;
