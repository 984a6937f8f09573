import { z } from 'zod';
import { NameSchema } from './units.js';

/** A process that `temper dev` started; pid numbers are reused, start times are not. */
export const DevProcessSchema = z.object({
  role: z.string().describe('dev, server, control or host:<name>.'),
  pid: z.number().describe('Process id.'),
  startTicks: z.number().describe('Start time of the process, clock ticks since boot.'),
});
export type DevProcess = z.infer<typeof DevProcessSchema>;

/** `.temper/dev.json`: how other commands find a running `temper dev`. */
export const DevStateSchema = z.looseObject({
  v: z.literal(1),
  address: z.string().describe('Temporal frontend, host:port.'),
  namespace: z.string().describe('Temporal namespace.'),
  uiUrl: z.string().describe("Address of Temporal's own pages."),
  fleet: NameSchema.describe('Fleet that its workers serve.'),
  bootId: z.string().describe('Boot of the machine that it runs in: pids mean nothing in another.'),
  processes: z.array(DevProcessSchema).describe('What it started, itself included.'),
});
export type DevState = z.infer<typeof DevStateSchema>;
