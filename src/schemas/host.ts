import { z } from 'zod';
import { AnsweringHostSchema } from './call-fields.js';
import { HostNameSchema } from './units.js';

/** Machine that a host worker runs on: two workers with one name on different machines are told apart by it. */
export const MachineIdSchema = z
  .string()
  .describe("Hash of the machine's own id, which itself is not meant to be shown; 32 hex digits.");

/** Address of a host in the network of the training. */
export const TrainingAddressSchema = z
  .string()
  .describe('Address at which other hosts reach it for training; 127.0.0.1 where its worker was given none.');

/** Number of a lease. */
export const LeaseNumberSchema = z
  .number()
  .describe('Number of the lease: rises with every lease of the fleet; hosts refuse an older one.');

const workerPid = z.number().describe('Process id of the worker on its host.');

/** How a host worker announces itself to its fleet. */
export const HostRecordSchema = z.looseObject({
  v: z.literal(1),
  name: HostNameSchema.describe('Name of the host, unique in its fleet.'),
  machineId: MachineIdSchema,
  pid: workerPid,
  address: TrainingAddressSchema,
  labels: z.array(z.string()).describe('Texts that its worker was started with (--label); they are only shown.'),
  scratch: z
    .string()
    .describe("Absolute folder on the host's own disk for keepers, rank logs, caches and copies of weights."),
  startedAt: z.string().describe('When its worker began, by the clock of the host, RFC 3339.'),
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
  name: AnsweringHostSchema,
  machineId: MachineIdSchema,
  pid: workerPid,
  address: TrainingAddressSchema,
  cpus: z.number().describe('Processors that its worker may use.'),
  ramTotalBytes: z.number().describe('Memory of the machine, bytes.'),
  ramAvailableBytes: z.number().describe('Memory to be had without swapping, within the limit of a container, bytes.'),
  scratchFreeBytes: z.number().describe('Free on the disk of its scratch folder for an ordinary user, bytes.'),
  time: z.string().describe('Clock of the host, RFC 3339.'),
  version: z.string().describe('Version of Temper.'),
});
export type HostProbe = z.infer<typeof HostProbeSchema>;

/** What a lease says of a host; the rest of its record would make a lease of 256 hosts 55 kB. */
export const LeasedHostSchema = HostRecordSchema.pick({ name: true, machineId: true, address: true });
export type LeasedHost = z.infer<typeof LeasedHostSchema>;

/** Hosts handed to one owner together. */
export const LeaseSchema = z.object({
  lease: LeaseNumberSchema,
  hosts: z.array(LeasedHostSchema).describe('By name, those to be avoided last: the order of node ranks in a gang.'),
});
export type Lease = z.infer<typeof LeaseSchema>;

/** State of a fleet, as `getFleet` answers. */
export const FleetStateSchema = z.looseObject({
  v: z.literal(1),
  hosts: z
    .array(HostRecordSchema)
    .describe('All that ever announced themselves, also those without a live worker; by name.'),
  leases: z
    .array(
      z.object({
        lease: LeaseNumberSchema,
        owner: z.string().describe('Id of the workflow that holds it.'),
        hosts: z.array(z.string()).describe('Names of its hosts.'),
      }),
    )
    .describe('Leases that are held, oldest first.'),
  waiting: z
    .array(
      z.object({
        owner: z.string().describe('Id of the workflow that waits.'),
        count: z.number().describe('Hosts that it asked for.'),
      }),
    )
    .describe('Who waits for hosts, in the order in which they are served.'),
  setAside: z
    .array(
      z.object({
        host: z.string().describe('Name of the host.'),
        kind: z.string().describe('cordoned, unobserved or unfit.'),
        reason: z.string().describe('Why, in words.'),
      }),
    )
    .optional()
    .describe('Hosts that no lease gets: cordoned by a person, unobserved, or unfit.'),
});
export type FleetState = z.infer<typeof FleetStateSchema>;
