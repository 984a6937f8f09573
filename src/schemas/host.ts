import { z } from 'zod';
import { HostNameSchema } from './units.js';

/** How a host worker announces itself to its fleet. */
export const HostRecordSchema = z.looseObject({
  v: z.literal(1),
  name: HostNameSchema,
  machineId: z.string(),
  pid: z.number(),
  address: z.string().describe('Address that other hosts reach for training.'),
  labels: z.array(z.string()),
  scratch: z.string(),
  startedAt: z.string(),
  lease: z
    .int()
    .nonnegative()
    .optional()
    .describe('Newest lease that this host has seen; a fleet that lost its database numbers on from there.'),
});
export type HostRecord = z.infer<typeof HostRecordSchema>;

/** Answer of a probe. */
export const HostProbeSchema = z.looseObject({
  v: z.literal(1),
  name: z.string(),
  machineId: z.string(),
  pid: z.number(),
  address: z.string(),
  cpus: z.number(),
  ramTotalBytes: z.number(),
  ramAvailableBytes: z.number(),
  scratchFreeBytes: z.number(),
  time: z.string().describe('Clock of the host, RFC 3339.'),
  version: z.string().describe('Version of Temper.'),
});
export type HostProbe = z.infer<typeof HostProbeSchema>;

/** What a lease says of a host; the rest of its record would make a lease of 256 hosts 55 kB. */
export const LeasedHostSchema = HostRecordSchema.pick({ name: true, machineId: true, address: true });
export type LeasedHost = z.infer<typeof LeasedHostSchema>;

/** Hosts handed to one owner together. */
export const LeaseSchema = z.object({
  lease: z.number().describe('Rises with every lease of the fleet; hosts refuse an older one.'),
  hosts: z.array(LeasedHostSchema),
});
export type Lease = z.infer<typeof LeaseSchema>;

/** State of a fleet, as `getFleet` answers. */
export const FleetStateSchema = z.looseObject({
  v: z.literal(1),
  hosts: z.array(HostRecordSchema),
  leases: z.array(z.object({ lease: z.number(), owner: z.string(), hosts: z.array(z.string()) })),
  waiting: z.array(z.object({ owner: z.string(), count: z.number() })),
  setAside: z
    .array(z.object({ host: z.string(), kind: z.string(), reason: z.string() }))
    .optional()
    .describe('Hosts that no lease gets: cordoned by a person, unobserved, or unfit.'),
});
export type FleetState = z.infer<typeof FleetStateSchema>;
