import { z } from 'zod';
import { ResumeNoteSchema } from './checkpoint.js';
import { PaceSchema, SlowHostSchema } from './pace.js';

/** Everything that ends an attempt, as people fix it. A cause is forever; rules that find it may be added. */
export const CauseSchema = z
  .enum([
    'bad-input',
    'code-error',
    'data-error',
    'empty-load',
    'environment',
    'exception',
    'rank-killed',
    'rank-crashed',
    'rank-exit',
    'out-of-memory',
    'disk-full',
    'port-taken',
    'leftover',
    'device-fault',
    'link-fault',
    'nan-loss',
    'stalled',
    'wrong-learning-rate',
    'unfinished',
    'unkillable',
    'keeper-lost',
    'workspace-lost',
    'host-lost',
    'host-unfit',
    'fenced',
    'stopped',
    'peer-lost',
    'unknown',
  ])
  .describe('What went wrong.');
export type Cause = z.infer<typeof CauseSchema>;

/** stop parks the run; clean-restart sweeps leftovers first; replace-host takes other hosts. */
export const ReactionSchema = z
  .enum(['stop', 'restart', 'clean-restart', 'replace-host'])
  .describe('What is done about it.');
export type Reaction = z.infer<typeof ReactionSchema>;

/** One sign of trouble on one host: a rule that matched. */
export const FindingSchema = z.object({
  rule: z.string().describe('Id of the rule.'),
  cause: CauseSchema,
  isCascade: z.boolean().describe('Follows from a failure elsewhere; never a first cause.'),
  reaction: ReactionSchema,
  onceStepped: z
    .object({ cause: CauseSchema, reaction: ReactionSchema })
    .optional()
    .describe('Cause and reaction instead, where the attempt has done an iteration.'),
  isSure: z
    .boolean()
    .optional()
    .describe(
      'true: killed from outside, first of its host; false: said by a process that others ended, which may have caught it.',
    ),
  weight: z.number().describe('How much it says: an exit status 1, a traceback 2, a known text or event 3.'),
  rank: z.number().nullable().describe('Global rank; null when it is about the whole host.'),
  at: z.string().nullable().describe("When, by the host's clock, RFC 3339; null when nobody knows."),
  sentence: z.string().describe('What happened, with host and rank.'),
  lines: z.array(z.string()).describe('Log lines that show it, oldest first.'),
});
export type Finding = z.infer<typeof FindingSchema>;

/** What one host knows of its part of a failed attempt; at most 4 kB, the logs stay on the host. */
export const HostEvidenceSchema = z.looseObject({
  v: z.literal(1),
  host: z.string().describe('Name of the host.'),
  nodeRank: z.number().describe('Its place in the gang, from 0.'),
  isReached: z.boolean().describe('false: the host did not answer; then nothing else here is known.'),
  findings: z.array(FindingSchema).describe('Signs of trouble on it.'),
  exitCode: z.number().nullable().describe('Exit status of the launcher.'),
  exitSignal: z.string().nullable().describe('Signal that ended the launcher.'),
  stopReason: z.string().nullable().describe('Why the keeper stopped it; null when it ended by itself.'),
  endedAt: z.string().nullable().describe('When the launcher ended, by the clock of the host, RFC 3339.'),
  unkillable: z.array(z.number()).describe('Pids that survived SIGKILL.'),
  phase: z.string().describe('What the training was doing.'),
  lastIteration: z.number().nullable().describe('Newest iteration in its log; null: none.'),
  lastIterationAt: z.string().nullable().describe('When its log last grew, by the clock of the host, RFC 3339.'),
  firstIterationAt: z.string().nullable().describe('When the first iteration of the attempt was logged, RFC 3339.'),
  stepMs: z.number().nullable().describe('Mean time of an iteration, ms.'),
  clockOffsetMs: z.number().describe("Host's clock minus the server's; 0 within the tolerance."),
  resume: ResumeNoteSchema.nullable()
    .optional()
    .describe('What the attempt restored, told by the host that logs steps.'),
  pace: PaceSchema.nullable().optional().describe('How busy its ranks were when they were last looked at.'),
  tail: z.array(z.string()).describe("Last lines of the launcher's own log."),
});
export type HostEvidence = z.infer<typeof HostEvidenceSchema>;

/** Answer of `diagnose`: the first cause over all hosts. */
export const VerdictSchema = z.object({
  rule: z.string().describe('Id of the rule.'),
  cause: CauseSchema,
  reaction: ReactionSchema.describe('What the rule asks for; the policy decides.'),
  host: z.string().nullable().describe('Host that is to blame; null: none, or not known.'),
  rank: z.number().nullable().describe('Global rank; null: none, or not known.'),
  at: z.string().nullable().describe("When it happened, by the server's clock."),
  sentence: z.string().describe('What happened, with host and rank.'),
  evidenceLines: z.array(z.string()).describe('Log lines that show it, oldest first.'),
  confidence: z.enum(['high', 'medium', 'low']).describe('How sure it is that this came first.'),
});
export type Verdict = z.infer<typeof VerdictSchema>;

/** `runs/<run>/incidents/0001.json`: one failed attempt and what was done about it. */
export const IncidentSchema = z.looseObject({
  v: z.literal(1),
  id: z.string().describe('Chain of the workflow and number in it: a repeated write finds its own file.'),
  run: z.string().describe('Name of the run.'),
  attempt: z.number().nullable().describe('null: it failed before an attempt was opened.'),
  at: z.string().describe('When the workflow learnt of it, RFC 3339.'),
  verdict: VerdictSchema.describe('The first cause.'),
  reaction: ReactionSchema.describe('What was done.'),
  why: z.string().describe('Why this reaction.'),
  hosts: z
    .array(
      z.object({
        host: z.string().describe('Name of the host, or of several in a row.'),
        state: z.enum(['failed', 'stopped', 'lost']).describe('How its part of the attempt ended.'),
      }),
    )
    .describe('By node rank; hosts in a row that fared alike may be told as one: `h[001-064]`.'),
  slow: z
    .array(SlowHostSchema)
    .optional()
    .describe('Hosts that the others waited for before the failure, the slowest first; absent when there were none.'),
  lastIteration: z.number().nullable().describe('Newest iteration that was logged; null: none.'),
  resumedFrom: z
    .number()
    .nullable()
    .describe('Iteration that the next attempt started from; null while it is not known, 0 for the converted weights.'),
  stepsLost: z.number().nullable().describe('Iterations done again; null while not known.'),
  detectMs: z.number().nullable().describe('From the failure to the workflow knowing it.'),
  stopMs: z.number().nullable().describe('From knowing to all other ranks proven dead.'),
  relaunchMs: z.number().nullable().describe('From all dead to the next attempt being started; null after a stop.'),
  firstIterationMs: z.number().nullable().describe("From there to the next attempt's first new iteration."),
});
export type Incident = z.infer<typeof IncidentSchema>;

/** An incident in a line, for memo and status. */
export const IncidentNoteSchema = z.object({
  attempt: z.number().nullable().describe('null: it failed before an attempt was opened.'),
  cause: CauseSchema,
  reaction: ReactionSchema,
  host: z.string().nullable().describe('Host that is to blame; null: none, or not known.'),
  sentence: z.string().describe('At most 160 characters.'),
  at: z.string().describe('When the workflow learnt of it, RFC 3339.'),
  resumedFrom: z.number().nullable().optional().describe('As in the incident, like all below.'),
  stepsLost: z.number().nullable().optional().describe('Iterations done again.'),
  detectMs: z.number().nullable().optional().describe('Time, ms.'),
  stopMs: z.number().nullable().optional().describe('Time, ms.'),
  relaunchMs: z.number().nullable().optional().describe('Time, ms.'),
  firstIterationMs: z.number().nullable().optional().describe('Time, ms.'),
});
export type IncidentNote = z.infer<typeof IncidentNoteSchema>;

/** What shows an incident, for `status`: the memo has no room for it. */
export const IncidentEvidenceSchema = z.object({
  host: z.string().nullable().describe('Host that is to blame; null: none, or not known.'),
  rank: z.number().nullable().describe('Global rank; null: none, or not known.'),
  lines: z.array(z.string()).describe('Log lines that show it, oldest first; empty when no history has them any more.'),
  file: z.string().describe('Record of the incident in the workspace, as the hosts see it.'),
});
export type IncidentEvidence = z.infer<typeof IncidentEvidenceSchema>;

/** Signal `gangReported`: what the gang tells the workflow of the run at each launch and each incident. */
export const GangReportSchema = z.object({
  v: z.literal(1),
  attempt: z.number().nullable().describe('The newest one; null before the first.'),
  incidents: z.number().describe('Incidents so far in the run.'),
  incident: IncidentNoteSchema.nullable().describe('The last one.'),
  ettr: z.number().nullable().describe('Useful seconds of the gang / all seconds, 0 to 1.'),
  checkpoint: z.number().nullable().describe('Iteration of the newest proven checkpoint.'),
  resume: ResumeNoteSchema.optional().describe('What the newest attempt that resumed restored.'),
});
export type GangReport = z.infer<typeof GangReportSchema>;
