import { z } from 'zod';
import { NameSchema } from './units.js';

/** A process that `temper dev` started; pid numbers are reused, start times are not. */
export const DevProcessSchema = z.object({
  role: z.string().describe('dev, server, control or host:<name>.'),
  pid: z.number(),
  startTicks: z.number().describe('Start time of the process, clock ticks since boot.'),
});
export type DevProcess = z.infer<typeof DevProcessSchema>;

/** `.temper/dev.json`: how other commands find a running `temper dev`. */
export const DevStateSchema = z.looseObject({
  v: z.literal(1),
  address: z.string().describe('Temporal frontend, host:port.'),
  namespace: z.string(),
  uiUrl: z.string(),
  fleet: NameSchema,
  bootId: z.string(),
  processes: z.array(DevProcessSchema),
});
export type DevState = z.infer<typeof DevStateSchema>;
