import { cutToBytes } from '../text/cut-text.js';
import type { CheckFault, CheckStatus, PreflightCheck } from '../../schemas/preflight.js';

interface Row {
  /** host: one host can tell; fleet: only several together. */
  readonly scope: 'host' | 'fleet';
  /** Whether it is looked at before every launch; the others at the first one and on new hosts. */
  readonly isQuick: boolean;
  readonly fault: CheckFault;
  /** What a failure leads to. */
  readonly why: string;
}

/** The preflight list: what a launch and `temper doctor` look at on any host, whatever it trains. */
export const PREFLIGHT = {
  processes: {
    scope: 'host',
    isQuick: true,
    fault: 'leftover',
    why: 'ranks of an older attempt hold memory, ports and devices, and may still write',
  },
  'survived-kill': {
    scope: 'host',
    isQuick: true,
    fault: 'unkillable',
    why: 'a process that a driver or a dead file system holds keeps its devices until a reboot',
  },
  fence: { scope: 'host', isQuick: true, fault: 'fenced', why: 'no keeper starts a command of an outdated attempt' },
  address: {
    scope: 'host',
    isQuick: true,
    fault: 'config',
    why: 'ranks listen and connect at the address that the host announces',
  },
  'master-port': {
    scope: 'host',
    isQuick: true,
    fault: 'leftover',
    why: 'the launcher of node 0 listens there, and all others wait for it',
  },
  ports: { scope: 'host', isQuick: true, fault: 'leftover', why: 'ranks listen there for each other' },
  'scratch-disk': {
    scope: 'host',
    isQuick: true,
    fault: 'host',
    why: 'logs of ranks and records of keepers are written there',
  },
  'scratch-inodes': { scope: 'host', isQuick: true, fault: 'host', why: 'no file can be made without a free inode' },
  'scratch-write': {
    scope: 'host',
    isQuick: false,
    fault: 'host',
    why: 'free space may be reserved, or over a quota',
  },
  memory: { scope: 'host', isQuick: true, fault: 'host', why: 'ranks would be killed while they load' },
  'open-files': {
    scope: 'host',
    isQuick: false,
    fault: 'config',
    why: 'ranks and data loaders open thousands of files and sockets',
  },
  tasks: {
    scope: 'host',
    isQuick: false,
    fault: 'config',
    why: 'ranks and data loaders start thousands of threads, and die when one is refused',
  },
  'shared-memory': {
    scope: 'host',
    isQuick: false,
    fault: 'config',
    why: 'data loaders hand batches over through /dev/shm and die with a bus error when it is full',
  },
  'time-zone': {
    scope: 'host',
    isQuick: false,
    fault: 'config',
    why: 'rank logs carry local times without a zone, by which failures are ordered',
  },
  workspace: {
    scope: 'host',
    isQuick: true,
    fault: 'host',
    why: 'checkpoints, fences and outputs live in the workspace',
  },
  'workspace-disk': {
    scope: 'host',
    isQuick: true,
    fault: 'config',
    why: 'a save that runs out of space loses the time since the last one',
  },
  'workspace-inodes': {
    scope: 'host',
    isQuick: true,
    fault: 'config',
    why: 'no file can be made without a free inode',
  },
  'workspace-bandwidth': {
    scope: 'host',
    isQuick: false,
    fault: 'config',
    why: 'every save and load of the training waits for it',
  },
  clock: {
    scope: 'fleet',
    isQuick: false,
    fault: 'host',
    why: 'the first failure of a gang is found by the times of its hosts',
  },
  'time-zones': {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'rank logs carry local times without a zone, by which failures are ordered',
  },
  versions: {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'ranks with different software fail late or compute different things',
  },
  'workspace-shared': {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'ranks would load and save different checkpoints without an error',
  },
  'scratch-private': {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'hosts would stop and overwrite each other through the files of their keepers',
  },
  'files-of-others': {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'retention and the next attempt remove what other hosts wrote',
  },
  addresses: {
    scope: 'fleet',
    isQuick: false,
    fault: 'config',
    why: 'no other machine reaches a loopback address, and two hosts cannot share one',
  },
} as const satisfies Record<string, Row>;
/** A check of the list. */
export type CheckId = keyof typeof PREFLIGHT;

/** All ids of the list. */
// Safe: the keys of a literal object that nobody extends.
export const CHECK_IDS = Object.keys(PREFLIGHT) as readonly CheckId[];

/** What a check saw. */
export interface Seen {
  readonly what: string;
  readonly where: string;
  readonly fix?: string;
  readonly why?: string;
  /** Another meaning than the list's. */
  readonly fault?: CheckFault;
}

/** Texts travel through histories, and names of paths may be long. */
const MOST_BYTES = 300;

/** The result of a check of the list; why and fix are told where something is wrong. */
export function checked(id: CheckId, status: CheckStatus, seen: Seen): PreflightCheck {
  return rowResult(id, PREFLIGHT[id], status, seen);
}

/** The result of a check of any list, such as that of a recipe. */
export function rowResult(
  id: string,
  row: Pick<Row, 'fault' | 'why'>,
  status: CheckStatus,
  seen: Seen,
): PreflightCheck {
  const isWrong = status === 'fail' || status === 'warn';
  const why = seen.why ?? (isWrong ? row.why : undefined);
  return {
    id,
    status,
    fault: seen.fault ?? row.fault,
    what: cutToBytes(seen.what, MOST_BYTES),
    where: cutToBytes(seen.where, MOST_BYTES),
    ...(why === undefined ? {} : { why: cutToBytes(why, MOST_BYTES) }),
    ...(seen.fix === undefined ? {} : { fix: cutToBytes(seen.fix, MOST_BYTES) }),
  };
}
