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
});
export type LeaseRequest = z.infer<typeof LeaseRequestSchema>;

/** Signal `leaseGranted`. */
export const LeaseGrantSchema = LeaseSchema.extend({ v: z.literal(1), request: z.string() });
export type LeaseGrant = z.infer<typeof LeaseGrantSchema>;

/** Signal `releaseLease`: takes back a grant, or a request that still waits. */
export const LeaseReleaseSchema = z.object({ v: z.literal(1), request: z.string() });
export type LeaseRelease = z.infer<typeof LeaseReleaseSchema>;

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
});
export type FleetInput = z.infer<typeof FleetInputSchema>;
export type { FleetState } from './host.js';
export { FleetStateSchema };
