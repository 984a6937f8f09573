import { z } from 'zod';

/** Major version of every keeper file and of the talk on its socket. */
export const KEEPER_FORMAT = 1;

/** Names a keeper on its host; also the name of its folder, so it never holds a separator or starts with a dot. */
export const KeeperIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,120}$/)
  .describe('Keeper id: a-z, 0-9, dot, underscore, hyphen; starts with a letter or digit; at most 121 characters.');

const version = z.literal(KEEPER_FORMAT).describe('Major version of this format.');
const pid = z.int().positive().describe('Process id on this host.');
const startTicks = z.int().nonnegative().describe('Start time of the process, in clock ticks since boot.');
const instant = z.iso.datetime().describe('Instant, ISO 8601 in UTC.');
// execve(2) ends strings at NUL, so a NUL inside could only silently shorten them.
const noNul = z.string().refine((text) => !text.includes('\0'), 'holds a NUL character');
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/** Who the command belongs to; shown to people and used to count commands per stage. */
export const KeeperLabelsSchema = z.object({
  run: z.string().min(1).describe('Name of the run.'),
  stage: z.string().min(1).describe('Name of the stage.'),
  host: z.string().min(1).describe('Name of the host in its fleet.'),
  attempt: z.int().positive().optional().describe('Number of the training attempt, where the stage has attempts.'),
});
export type KeeperLabels = z.infer<typeof KeeperLabelsSchema>;

/** Where torchrun writes a log per rank, and which global rank its local rank 0 is. */
export const RankLogsSchema = z.object({
  dir: z
    .string()
    .startsWith('/')
    .describe('Absolute folder given to torchrun as --log-dir, on a disk of this host, used by this command only.'),
  baseRank: z.int().nonnegative().describe('Global rank of local rank 0: node rank x processes per node.'),
});
export type RankLogs = z.infer<typeof RankLogsSchema>;

/** The attempt that a command belongs to, and how its keeper finds out that a newer one took over. */
export const KeeperFenceSchema = z.object({
  file: noNul
    .startsWith('/')
    .describe('Absolute path of the fence in the workspace, beside the folders of the attempts.'),
  attempt: z.int().positive().describe('Own attempt: the command stops when the fence names a later one.'),
  lease: z.int().nonnegative().describe('Own lease: the command is not started where the host has seen a later one.'),
  everyMs: z.int().positive().describe('Time between two looks at the fence, milliseconds.'),
  timeoutMs: z
    .int()
    .positive()
    .describe('Stop the command when the workspace could not be read for this long, milliseconds.'),
});
export type KeeperFence = z.infer<typeof KeeperFenceSchema>;

/** `request.json`: the command that a keeper runs. Holds names of secrets, never values. */
export const KeeperRequestSchema = z.object({
  v: version.default(KEEPER_FORMAT),
  id: KeeperIdSchema,
  argv: z.array(noNul).min(1).describe('Program and arguments; run without a shell.'),
  cwd: noNul.startsWith('/').describe('Absolute working folder of the command.'),
  env: z
    .record(envName, noNul)
    .default({})
    .describe('Environment variables added to those inherited from the worker. Written to disk: no secrets.'),
  secretEnv: z
    .array(envName)
    .default([])
    .describe('Names of secret variables of the worker that the command may see, each where it is set.'),
  labels: KeeperLabelsSchema.describe('Who the command belongs to.'),
  graceMs: z
    .int()
    .nonnegative()
    .default(2_000)
    .describe('Time between TERM and KILL when a stop names none, milliseconds.'),
  orphanTimeoutMs: z
    .int()
    .nonnegative()
    .default(86_400_000)
    .describe('Stop the command after this long without contact, milliseconds; 0 = never.'),
  killDeadlineMs: z
    .int()
    .positive()
    .default(60_000)
    .describe('Processes alive this long after KILL are reported as unkillable, milliseconds.'),
  rankLogs: RankLogsSchema.optional().describe('Set for torchrun with a log per rank.'),
  fence: KeeperFenceSchema.optional().describe('Set for the commands of a training attempt.'),
});
export type KeeperRequest = z.infer<typeof KeeperRequestSchema>;
/** What a caller writes: version and defaults may be left out. */
export type KeeperRequestInput = z.input<typeof KeeperRequestSchema>;

/** Who stopped a command, and why. */
export const KeeperStopSchema = z.object({
  requestedBy: z
    .string()
    .describe('Origin: "client" (asked on the socket), "keeper" (own timer), "signal" (TERM to the keeper).'),
  reason: z
    .string()
    .describe(
      'Why, in a word or a sentence, such as "cancelled", "orphaned", "keeper-lost", "fenced", "workspace-lost".',
    ),
  at: instant,
  isForced: z.boolean().describe('Whether some process needed KILL.'),
});
export type KeeperStop = z.infer<typeof KeeperStopSchema>;

/** `keeper.json`: which keeper and which processes belong to an id. Written before the command is started. */
export const KeeperRecordSchema = z.object({
  v: version,
  id: KeeperIdSchema,
  state: z
    .enum(['launching', 'running', 'stopping', 'exited'])
    .describe('Last state written; exit.json alone proves the end.'),
  keeper: z
    .object({ pid, startTicks, bootId: z.string().describe('Boot id of the host, differs after every reboot.') })
    .describe('The keeper process.'),
  child: z.object({ pid, startTicks }).nullable().describe('The process of argv; null before it was started.'),
  sessions: z
    .array(z.object({ pid, startTicks }))
    .describe('Leaders of the sessions that the command made, torchrun ranks for one.'),
  startedAt: instant,
  socketPath: z.string().describe('Unix socket on which the keeper talks.'),
  lastContactAt: instant,
});
export type KeeperRecord = z.infer<typeof KeeperRecordSchema>;

/** `exit.json`: how a command ended. Its presence means that no process of the command is left, save the unkillable. */
export const KeeperExitSchema = z.object({
  v: version,
  id: KeeperIdSchema,
  code: z.int().nullable().describe('Exit code; null after a signal, without a start, or when nobody saw the end.'),
  signal: z.string().nullable().describe('Signal that ended the process of argv, such as "SIGKILL".'),
  startedAt: instant,
  endedAt: instant,
  stop: KeeperStopSchema.nullable().describe('The requested stop, null when the command ended by itself.'),
  unkillable: z.array(pid).describe('Pids that survived KILL for the whole deadline.'),
  spawnError: z
    .object({
      code: z.string().describe('Error name of the system, such as "ENOENT".'),
      message: z.string().describe('What could not be started, and why.'),
    })
    .nullable()
    .describe('Set when the command could not be started at all.'),
});
export type KeeperExit = z.infer<typeof KeeperExitSchema>;

/** One line to the keeper on its socket. */
export const KeeperMessageSchema = z.discriminatedUnion('op', [
  z.object({ v: version, op: z.literal('status').describe('Asks for the state; counts as contact.') }),
  z.object({ v: version, op: z.literal('ping').describe('Counts as contact.') }),
  z.object({
    v: version,
    op: z.literal('stop').describe('Stops the command; a later stop may only shorten the grace.'),
    reason: z.string().describe('Why, for exit.json; cut at 500 characters.'),
    graceMs: z.int().nonnegative().optional().describe('Time between TERM and KILL, milliseconds.'),
  }),
]);
export type KeeperMessage = z.infer<typeof KeeperMessageSchema>;

/** One line from the keeper. */
export const KeeperReplySchema = z.discriminatedUnion('ok', [
  z.object({
    v: version,
    ok: z.literal(true).describe('The message was understood.'),
    record: KeeperRecordSchema.describe('The keeper and its processes now.'),
    stop: KeeperStopSchema.nullable().describe('The stop under way.'),
    exit: KeeperExitSchema.nullable().describe(
      'The end of the command, told here only while exit.json cannot be written.',
    ),
  }),
  z.object({
    v: version,
    ok: z.literal(false).describe('The message was refused.'),
    error: z.string().describe('What is wrong with the message.'),
  }),
]);
export type KeeperReply = z.infer<typeof KeeperReplySchema>;
