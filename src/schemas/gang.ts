import { z } from 'zod';
import { ResumeNoteSchema } from './checkpoint.js';
import { CauseSchema, IncidentSchema } from './incident.js';

/** State of a gang's book, as continue-as-new carries it. */
export const GangBookStateSchema = z.object({
  v: z.literal(1),
  startedAt: z.string().describe('When the gang began, RFC 3339: the zero of its goodput.'),
  usefulMs: z.number().describe('Time spent on iterations that count, summed over the attempts that ended.'),
  best: z.number().nullable().describe('Iteration of the newest proven checkpoint seen so far.'),
  restarts: z.number().describe('Restarts since that checkpoint.'),
  byCause: z.partialRecord(CauseSchema, z.number()).describe('The same, by cause.'),
  blames: z
    .array(
      z.object({ host: z.string().describe('Name of the host.'), at: z.string().describe('When it was, RFC 3339.') }),
    )
    .describe('Incidents that a host was blamed for within the last day.'),
  incidents: z.number().describe('Incidents of the whole run, as its folder counts them.'),
  number: z.number().describe('Incidents of this gang: part of their ids.'),
  open: IncidentSchema.nullable().describe('The last incident, until its next attempt tells when it moved on.'),
  resume: ResumeNoteSchema.optional().describe('What the newest attempt that resumed restored.'),
  deadAt: z.string().nullable().describe('When all ranks of the last failed attempt were proven dead.'),
  checked: z
    .array(z.string())
    .optional()
    .describe('Hosts that passed the full preflight in this gang, as name@machine; the others are new to it.'),
  relaunchedAt: z.string().nullable().describe('When the attempt after it was started.'),
});
export type GangBookState = z.infer<typeof GangBookStateSchema>;
