import { z } from 'zod';
import { FleetNameSchema } from './call-fields.js';
import { FleetStateSchema, HostRecordSchema, LeaseNumberSchema, LeaseSchema } from './host.js';

/** Who holds or wants a lease. A closed chain of that workflow holds nothing. */
export const OwnerSchema = z
  .object({
    workflowId: z.string().describe('Temporal workflow id.'),
    firstRunId: z.string().describe('Temporal run id of the first run of its chain: continue-as-new keeps it.'),
    runId: z.string().describe('Temporal run id at the time that it asked.'),
  })
  .describe('Workflow that holds or wants it.');
export type Owner = z.infer<typeof OwnerSchema>;

const requestId = z.string().describe('Made by the owner; a repeated request is the same request.');

/** Signal `requestLease`: answered by the signal `leaseGranted` to the owner. */
export const LeaseRequestSchema = z.object({
  v: z.literal(1),
  request: requestId,
  owner: OwnerSchema,
  count: z.number().describe('Hosts that are wanted: all of them together, or none yet.'),
  spares: z.number().optional().describe('Free hosts that are kept for the owner while it holds the lease.'),
  replaces: z
    .string()
    .optional()
    .describe('Request of the lease that the owner gives back with this one; it is served before new owners.'),
  avoid: z.array(z.string()).optional().describe('Hosts that are taken only when there are no others.'),
});
export type LeaseRequest = z.infer<typeof LeaseRequestSchema>;

/** Signal `leaseGranted`. */
export const LeaseGrantSchema = LeaseSchema.extend({ v: z.literal(1), request: requestId });
export type LeaseGrant = z.infer<typeof LeaseGrantSchema>;

/** Signal `releaseLease`: takes back a grant, or a request that still waits. */
export const LeaseReleaseSchema = z.object({ v: z.literal(1), request: requestId });
export type LeaseRelease = z.infer<typeof LeaseReleaseSchema>;

/** Why no lease gets a host. A host that vanished is good again when its worker is back; the others need a person. */
export const SetAsideSchema = z.object({
  host: z.string().describe('Name of the host.'),
  kind: z
    .enum(['cordoned', 'unobserved', 'unfit'])
    .describe('cordoned: by a person; unobserved: it vanished or its worker was stopped; unfit: it failed.'),
  reason: z.string().describe('Why, in words; a person gives at most 200 characters.'),
  at: z.string().describe('RFC 3339.'),
});
export type SetAside = z.infer<typeof SetAsideSchema>;

/** Signal `setHostAside`. */
export const SetAsideCallSchema = SetAsideSchema.extend({
  v: z.literal(1),
  startedAt: z
    .string()
    .optional()
    .describe('When the worker started that is meant, as it announced; nothing happens once another one is there.'),
});
export type SetAsideCall = z.infer<typeof SetAsideCallSchema>;

/** Signal `takeHostBack`: leases may get the host again. */
export const TakeBackCallSchema = z.object({ v: z.literal(1), host: z.string().describe('Name of the host.') });
export type TakeBackCall = z.infer<typeof TakeBackCallSchema>;

/** Answer of the update `registerHost`. */
export const RegistrationSchema = z.object({
  v: z.literal(1),
  accepted: z.boolean().describe('false: a live worker on another machine has the name.'),
  why: z.string().nullable().describe('Which worker that is, in words; null: it was accepted.'),
});
export type Registration = z.infer<typeof RegistrationSchema>;

/** Input of the workflow `fleet`; the rest is carried over by continue-as-new. */
export const FleetInputSchema = z.object({
  v: z.literal(1),
  fleet: FleetNameSchema,
  sweepMs: z.number().describe('How often owners of leases are checked for being closed, while somebody waits.'),
  callTimeoutMs: z
    .number()
    .describe('How long its own short calls wait for a worker; how long they may take follows from it.'),
  hosts: z.array(HostRecordSchema).describe('Newest record of each host that announced itself, by name.'),
  nextLease: z.number().describe('Number of the next lease, from 1.'),
  leases: z
    .array(
      z.object({
        request: LeaseRequestSchema.describe('What was asked for.'),
        lease: LeaseNumberSchema,
        hosts: z.array(z.string()).describe('Names of its hosts.'),
      }),
    )
    .describe('Leases that are held, oldest first.'),
  waiting: z.array(LeaseRequestSchema).describe('Requests without hosts yet, in the order in which they are served.'),
  setAside: z.array(SetAsideSchema).optional().describe('Hosts that no lease gets, by name; absent: none.'),
});
export type FleetInput = z.infer<typeof FleetInputSchema>;
export type { FleetState } from './host.js';
export { FleetStateSchema };
