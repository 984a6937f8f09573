import { z } from 'zod';
import { FleetStateSchema, HostRecordSchema, LeaseSchema } from './host.js';
import { NameSchema } from './units.js';

/** Who holds or wants a lease. A closed chain of that workflow holds nothing. */
export const OwnerSchema = z.object({
  workflowId: z.string(),
  firstRunId: z.string(),
  runId: z.string(),
});
export type Owner = z.infer<typeof OwnerSchema>;

/** Signal `requestLease`: answered by the signal `leaseGranted` to the owner. */
export const LeaseRequestSchema = z.object({
  v: z.literal(1),
  request: z.string().describe('Made by the owner; a repeated request is the same request.'),
  owner: OwnerSchema,
  count: z.number(),
  spares: z.number().optional().describe('Free hosts that are kept for the owner while it holds the lease.'),
  replaces: z
    .string()
    .optional()
    .describe('Request of the lease that the owner gives back with this one; it is served before new owners.'),
  avoid: z.array(z.string()).optional().describe('Hosts that are taken only when there are no others.'),
});
export type LeaseRequest = z.infer<typeof LeaseRequestSchema>;

/** Signal `leaseGranted`. */
export const LeaseGrantSchema = LeaseSchema.extend({ v: z.literal(1), request: z.string() });
export type LeaseGrant = z.infer<typeof LeaseGrantSchema>;

/** Signal `releaseLease`: takes back a grant, or a request that still waits. */
export const LeaseReleaseSchema = z.object({ v: z.literal(1), request: z.string() });
export type LeaseRelease = z.infer<typeof LeaseReleaseSchema>;

/** Why no lease gets a host. A host that vanished is good again when its worker is back; the others need a person. */
export const SetAsideSchema = z.object({
  host: z.string(),
  kind: z
    .enum(['cordoned', 'unobserved', 'unfit'])
    .describe('cordoned: by a person; unobserved: it vanished; unfit: it failed.'),
  reason: z.string(),
  at: z.string().describe('RFC 3339.'),
});
export type SetAside = z.infer<typeof SetAsideSchema>;

/** Signal `setHostAside`. */
export const SetAsideCallSchema = SetAsideSchema.extend({ v: z.literal(1) });
export type SetAsideCall = z.infer<typeof SetAsideCallSchema>;

/** Signal `takeHostBack`: leases may get the host again. */
export const TakeBackCallSchema = z.object({ v: z.literal(1), host: z.string() });
export type TakeBackCall = z.infer<typeof TakeBackCallSchema>;

/** Answer of the update `registerHost`. */
export const RegistrationSchema = z.object({
  v: z.literal(1),
  accepted: z.boolean(),
  why: z.string().nullable(),
});
export type Registration = z.infer<typeof RegistrationSchema>;

/** Input of the workflow `fleet`; the rest is carried over by continue-as-new. */
export const FleetInputSchema = z.object({
  v: z.literal(1),
  fleet: NameSchema,
  sweepMs: z.number().describe('How often owners of leases are checked for being closed, while somebody waits.'),
  callTimeoutMs: z.number(),
  hosts: z.array(HostRecordSchema),
  nextLease: z.number(),
  leases: z.array(z.object({ request: LeaseRequestSchema, lease: z.number(), hosts: z.array(z.string()) })),
  waiting: z.array(LeaseRequestSchema),
  setAside: z.array(SetAsideSchema).optional(),
});
export type FleetInput = z.infer<typeof FleetInputSchema>;
export type { FleetState } from './host.js';
export { FleetStateSchema };
