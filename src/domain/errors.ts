import type { Problem } from '../schemas/problem.js';

/** Exit statuses of the CLI (issue tracker decides them): the run's own result is what `start --watch` exits with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, blocked: 4, interrupted: 130 } as const;
/** A number of `EXIT`. */
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

interface CatalogueRow {
  /** Exit status of the CLI when this error ends a command. */
  readonly exit: ExitStatus;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** The usual fix, used when the place that raises the error knows no better one. */
  readonly fix: string;
}

/** Every error that users can see, by code. A code is forever; its texts may get better. */
export const CATALOGUE = {
  SpecInvalid: { exit: 2, retryable: false, fix: 'correct the named fields; temper validate FILE checks them' },
  SpecUnreadable: { exit: 2, retryable: false, fix: 'give a readable YAML file of at most 64 kB' },
  UsageInvalid: { exit: 2, retryable: false, fix: 'see temper --help' },
  RecipeUnknown: { exit: 2, retryable: false, fix: 'temper init lists the recipes' },
  RunExists: { exit: 2, retryable: false, fix: 'temper start --new starts another run of a changed spec' },
  RunNotFound: { exit: 2, retryable: false, fix: 'temper ls lists the runs' },
  RunNotBlocked: { exit: 2, retryable: false, fix: 'temper status RUN shows what it is doing' },
  RunNotParked: {
    exit: 2,
    retryable: false,
    fix: 'temper cancel RUN ends it; temper schedule pause NAME keeps others from starting',
  },
  Unreachable: { exit: 3, retryable: true, fix: 'start a server with temper dev, or set TEMPORAL_ADDRESS' },
  HostUnreachable: { exit: 3, retryable: true, fix: 'start its worker: temper worker --role host --name HOST' },
  NoHosts: { exit: 4, retryable: true, fix: 'start host workers: temper worker --role host --name HOST' },
  HostsBusy: { exit: 4, retryable: true, fix: 'temper hosts shows who holds them, or why they are set aside' },
  WorkspaceUnusable: { exit: 1, retryable: false, fix: 'make the workspace folder writable on every host' },
  WorkspaceMissing: {
    exit: 1,
    retryable: false,
    fix: 'mount it on every host of the fleet, or name the right folder with --workspace',
  },
  CommandFailed: { exit: 1, retryable: false, fix: 'read the named log, correct the cause, then temper resume RUN' },
  CommandMissing: { exit: 1, retryable: false, fix: 'install the named program on the host, then temper resume RUN' },
  CommandStopped: { exit: 1, retryable: false, fix: 'temper resume RUN continues' },
  KeeperUnusable: { exit: 1, retryable: true, fix: 'look at the named folder on the host, then temper resume RUN' },
  KeeperLost: { exit: 1, retryable: false, fix: 'temper resume RUN starts the command again' },
  ProofFailed: { exit: 1, retryable: false, fix: 'read the problems, correct the cause, then temper resume RUN' },
  PreflightFailed: { exit: 1, retryable: false, fix: 'correct the named setting, then temper resume RUN' },
  EnvironmentUnfit: { exit: 1, retryable: false, fix: 'install what is missing, then temper resume RUN' },
  EnvironmentsDiffer: { exit: 1, retryable: false, fix: 'make the named hosts equal, then temper resume RUN' },
  DiskTooSmall: { exit: 1, retryable: false, fix: 'free disk space on the host, then temper resume RUN' },
  RamTooSmall: { exit: 1, retryable: false, fix: 'use a host with more memory, then temper resume RUN' },
  SourceMissing: { exit: 1, retryable: false, fix: 'correct the path in the spec: temper resume RUN --set PATH=VALUE' },
  DownloadFailed: {
    exit: 1,
    retryable: true,
    fix: 'check network, proxy and mirror of the host, then temper resume RUN: it goes on where it stopped',
  },
  DownloadRefused: { exit: 1, retryable: false, fix: 'correct the source in the spec, then temper resume RUN' },
  DownloadUnproven: { exit: 1, retryable: false, fix: 'use another mirror, or correct the sha256 in the spec' },
  OfflineForbids: { exit: 1, retryable: false, fix: 'bring it to the hosts and name its path, or leave offline out' },
  ArchiveRefused: { exit: 1, retryable: false, fix: 'use a sound archive, or unpack it yourself and name the folder' },
  ClaimHeld: { exit: 1, retryable: true, fix: 'another run makes the same output; wait for it or cancel it' },
  TrainingFailed: {
    exit: 1,
    retryable: false,
    fix: 'read the evidence (temper status RUN shows it), correct the cause, then temper resume RUN',
  },
  TrainingStalled: { exit: 1, retryable: false, fix: 'read the stacks in the rank logs, then temper resume RUN' },
  TrainingUnproven: { exit: 1, retryable: false, fix: 'read the rank logs, then temper resume RUN' },
  ResumeBroken: {
    exit: 1,
    retryable: false,
    fix: 'see what was restored with temper checkpoint ls RUN, correct spec or checkpoint, then temper resume RUN',
  },
  HostLost: { exit: 1, retryable: false, fix: 'bring the host back or start a spare, then temper resume RUN' },
  HostUnfit: { exit: 1, retryable: false, fix: 'repair the host or start a spare, then temper resume RUN' },
  HostOccupied: { exit: 1, retryable: false, fix: 'end the named process on the host, then temper resume RUN' },
  HostUnkillable: { exit: 1, retryable: false, fix: 'reboot the host, or take it out of the fleet' },
  FencedOff: { exit: 1, retryable: false, fix: 'none is needed: a newer attempt goes on; see temper status RUN' },
  SpecChanged: { exit: 1, retryable: true, fix: 'temper resume RUN' },
  ModelNotFound: { exit: 2, retryable: false, fix: 'temper models ls lists the promoted models' },
  PromotionRefused: { exit: 1, retryable: false, fix: 'temper models show NAME tells what can be promoted' },
  ApprovalNotAwaited: {
    exit: 2,
    retryable: false,
    fix: 'temper schedule describe NAME shows what waits for an approval',
  },
  ScheduleNotFound: { exit: 2, retryable: false, fix: 'temper schedule ls lists the schedules' },
  EvaluationFailed: { exit: 1, retryable: false, fix: 'correct the evaluation of the schedule and apply it again' },
  FormatTooNew: { exit: 1, retryable: false, fix: 'use the Temper version that wrote the file, or a newer one' },
  Cancelled: { exit: 1, retryable: false, fix: 'temper start FILE starts it again; what was finished is reused' },
  Terminated: { exit: 1, retryable: false, fix: 'temper start FILE starts it again; what was finished is reused' },
  Paused: { exit: 4, retryable: false, fix: 'temper resume RUN continues' },
  Internal: { exit: 1, retryable: true, fix: 'report it with the log of the worker' },
} as const satisfies Record<string, CatalogueRow>;
/** A row of the catalogue of errors. */
export type ErrorCode = keyof typeof CATALOGUE;

/** Facts of one error; `fix` and `retryable` default to the catalogue's. */
export interface ProblemFacts {
  readonly what: string;
  readonly where?: string;
  readonly why?: string;
  readonly fix?: string;
  readonly evidence?: readonly string[];
}

/** Makes the record of an error from its facts and its catalogue row. */
export function problem(code: ErrorCode, facts: ProblemFacts): Problem {
  const row = CATALOGUE[code];
  return {
    code,
    what: facts.what,
    ...(facts.where === undefined ? {} : { where: facts.where }),
    ...(facts.why === undefined ? {} : { why: facts.why }),
    fix: facts.fix ?? row.fix,
    retryable: row.retryable,
    // Failures are cut at 4 kB in the server's mutable state, so evidence stays short; the log has the rest.
    ...(facts.evidence === undefined ? {} : { evidence: facts.evidence.slice(-12).map((line) => line.slice(0, 300)) }),
  };
}

/** An error that users are meant to read: everything else is a defect and keeps its stack. */
export class TemperError extends Error {
  override readonly name = 'TemperError';
  readonly problem: Problem;

  constructor(code: ErrorCode, facts: ProblemFacts, options?: ErrorOptions) {
    super(formatProblem(problem(code, facts)), options);
    this.problem = problem(code, facts);
  }
}

/** One line of text for a problem: where, what, why, fix. */
export function formatProblem({ code, what, where, why, fix }: Problem): string {
  const place = where === undefined ? '' : `${where}: `;
  const reason = why === undefined ? '' : ` (${why})`;
  return `${place}${what}${reason} [${code}]; fix: ${fix}`;
}

/** Whether a code stands in the catalogue; codes of newer versions may not. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(CATALOGUE, code);
}

/** Exit status of a problem; an unknown code counts as a failed run. */
export function exitStatusOf(code: string): ExitStatus {
  return isErrorCode(code) ? CATALOGUE[code].exit : EXIT.failed;
}
