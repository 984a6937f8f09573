import { z } from 'zod';
import { AnsweringHostSchema, SpecTextSchema } from './call-fields.js';
import { LeaseNumberSchema, MachineIdSchema, TrainingAddressSchema } from './host.js';
import { EnvironmentAnswerSchema, StageCallSchema } from './stage-calls.js';

/** What a check came to. */
export const CheckStatusSchema = z
  .enum(['ok', 'warn', 'fail', 'skipped'])
  .describe('warn stops no launch, fail does; skipped: there was nothing to look at, or no way to.');
export type CheckStatus = z.infer<typeof CheckStatusSchema>;

/** What a failed check means for a training that is about to start. */
export const CheckFaultSchema = z
  .enum(['config', 'leftover', 'host', 'unkillable', 'fenced'])
  .describe(
    'config: a person must change something; leftover: cleaning up helps; host: another host helps; unkillable: processes survive SIGKILL; fenced: a newer attempt has the host.',
  );
export type CheckFault = z.infer<typeof CheckFaultSchema>;

/** Result of one check of the preflight list. */
export const PreflightCheckSchema = z.object({
  id: z.string().describe('Row of the list; a recipe puts its own under its own prefix.'),
  status: CheckStatusSchema,
  fault: CheckFaultSchema,
  what: z.string().describe('What was seen, with the values.'),
  where: z.string().describe('Host, and the path, port or device.'),
  why: z.string().optional().describe('What it leads to.'),
  fix: z.string().optional().describe('What to do about it; the command that needs root when it was skipped.'),
});
export type PreflightCheck = z.infer<typeof PreflightCheckSchema>;

/** A folder's file system as measured by one host. */
export const BandwidthSchema = z.object({
  writeBytesPerSecond: z.number().describe('Written to disk, each block synced.'),
  readBytesPerSecond: z.number().describe('Read back, past the cache where the file system allows it.'),
  isReadCached: z.boolean().describe('The file system allows no read past the cache: reading may really be slower.'),
});

/** What one host says about itself for the comparison with others. */
export const HostFactsSchema = z.looseObject({
  v: z.literal(1),
  host: AnsweringHostSchema,
  machineId: MachineIdSchema,
  address: TrainingAddressSchema,
  user: z.number().int().describe('Numeric user id of the worker.'),
  temper: z.string().describe('Version of Temper.'),
  node: z.string().describe('Version of Node.'),
  environment: EnvironmentAnswerSchema.pick({ digest: true, lock: true })
    .nullable()
    .describe('Software of the ranks as last proven on this host; null when it never was.'),
  zone: z.string().nullable().describe('Time zone of the environment that runs ranks, such as +0800; null unknown.'),
  bandwidth: BandwidthSchema.nullable().describe('Of the workspace; null when it was not measured.'),
  measurement: z
    .string()
    .nullable()
    .describe('Names the measurement: hosts that one process serves share one, which then counts once.'),
  recipe: z.record(z.string(), z.string()).describe("Facts of the recipe's own checks that must fit across hosts."),
});
export type HostFacts = z.infer<typeof HostFactsSchema>;

/** Answer of one host's look at itself. */
export const HostReportSchema = z.object({
  v: z.literal(1),
  host: AnsweringHostSchema,
  at: z.string().describe('Clock of the host when it answered, RFC 3339.'),
  elapsedMs: z.number().describe('How long the look took: the rest of the way was waiting.'),
  checks: z
    .array(PreflightCheckSchema)
    .describe('Before a launch at most six that failed or warn, failures first; else all.'),
});
export type HostReport = z.infer<typeof HostReportSchema>;

/** How much is looked at: everything, or what may have changed since the last attempt. */
export const PreflightDepthSchema = z
  .enum(['full', 'quick'])
  .describe('full: the whole list; quick: what may have changed since the last attempt on the host.');
export type PreflightDepth = z.infer<typeof PreflightDepthSchema>;

const round = z
  .string()
  .regex(/^[a-z0-9-]{8,64}$/)
  .describe('Names one comparison of hosts; its tokens carry it.');

/** Argument of `preflightHost`: this host before a launch. */
export const PreflightCallSchema = StageCallSchema.extend({
  depth: PreflightDepthSchema,
  lease: LeaseNumberSchema,
  isFirst: z.boolean().describe('Whether node rank 0 will be here, which the others connect to.'),
  round: round.nullable().describe('Comparison that this host takes part in; null when nothing is compared.'),
});
export type PreflightCall = z.infer<typeof PreflightCallSchema>;

/** Argument of `comparePreflight` and `closePreflight`. */
export const CompareCallSchema = StageCallSchema.extend({
  round,
  hosts: z
    .array(z.string())
    .max(1024)
    .describe('Hosts of the comparison, in the same order for all, as `packHosts` tells them.'),
  isWhole: z.boolean().describe('Whether these are all hosts of the gang, so that their measurements are its own.'),
  gang: z
    .array(z.string())
    .max(1024)
    .optional()
    .describe('All hosts of the gang, as `packHosts` tells them; absent: those of the comparison.'),
});
export type CompareCall = z.infer<typeof CompareCallSchema>;

/** Answer of `comparePreflight` and `closePreflight`. */
export const CompareAnswerSchema = z.object({
  v: z.literal(1),
  checks: z
    .array(PreflightCheckSchema)
    .describe('What only several hosts together tell; before a launch cut like those of one host.'),
});
export type CompareAnswer = z.infer<typeof CompareAnswerSchema>;

const specText = SpecTextSchema.nullable().describe(
  'Spec that is meant, as YAML with absolute paths; null: the host in general.',
);

/** Argument of the host call `doctor`. */
export const DoctorCallSchema = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('look'),
    specText,
    round: round.nullable(),
  }),
  z.object({
    step: z
      .enum(['compare', 'close'])
      .describe('compare: on every host, once all have left their tokens; close: on one, last.'),
    specText,
    round,
    hosts: z.array(z.string()).max(1024).describe('Names of the hosts of the comparison, in the same order for all.'),
  }),
]);
export type DoctorCall = z.infer<typeof DoctorCallSchema>;

/** Answer of the host call `doctor` to its step `look`. */
export const DoctorLookSchema = HostReportSchema.extend({
  facts: HostFactsSchema.describe('What the asker compares with that of the other hosts.'),
  canCompare: z.boolean().describe('Whether it can take part in a comparison: its workspace can be used.'),
});
export type DoctorLook = z.infer<typeof DoctorLookSchema>;

/** What `temper doctor -o json` prints. */
export const DoctorReportSchema = z.object({
  v: z.literal(1),
  ok: z.boolean().describe('No check failed.'),
  hosts: z.array(z.string()).describe('Hosts that were looked at.'),
  checks: z
    .array(PreflightCheckSchema)
    .describe('All, also those that are well: of each host, and of several together.'),
});
export type DoctorReport = z.infer<typeof DoctorReportSchema>;

/** `runs/<run>/host-facts.json`: what a recipe read on the hosts of the gang, each when it was last compared. */
export const KeptFactsSchema = z.object({
  v: z.literal(1),
  hosts: z.record(z.string(), z.record(z.string(), z.string())).describe('Facts of the recipe, by name, by host.'),
});

/** `runs/<run>/bandwidth.json`: how fast the hosts of the gang wrote to and read from the workspace, all at once. */
export const GangBandwidthSchema = z.looseObject({
  v: z.literal(1),
  at: z.string().describe('When it was recorded, RFC 3339.'),
  hosts: z.number().int().describe('Hosts that measured.'),
  writeBytesPerSecond: z.number().describe('Of all hosts together.'),
  readBytesPerSecond: z.number().describe('Of all hosts together.'),
  isReadCached: z.boolean().describe('On some host the file system allowed no read past its cache.'),
});
export type GangBandwidth = z.infer<typeof GangBandwidthSchema>;
