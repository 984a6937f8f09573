import type { PreflightDepth } from '../../schemas/preflight.js';

/** Why something could not be looked at. */
export interface Unseen {
  readonly unseen: string;
}

/** A file system as seen through one of its folders. */
export interface DiskLook {
  readonly path: string;
  readonly freeBytes: number;
  /** null: the file system does not count inodes. */
  readonly freeInodes: number | null;
}

/** What came of writing a file of some size and removing it. */
export type WriteLook = { readonly bytes: number } | { readonly bytes: number; readonly refused: string };

/** A port that is wanted: free, or why not. */
export interface PortLook {
  readonly port: number;
  /** passing: nobody listens there, an outgoing connection has it or had it within the last minute. */
  readonly state: 'free' | 'taken' | 'passing' | 'refused';
  /** Who has it, as far as this user may see. */
  readonly holder: string | null;
  /** Whether the kernel may give it to an outgoing connection. */
  readonly isEphemeral: boolean;
}

/** A process whose keeper is gone. */
export interface LeftoverLook {
  readonly pid: number;
  /** Keeper that its environment names. */
  readonly keeper: string;
}

/** A folder of the workspace, when it answered. */
export type WorkspaceLook =
  | { readonly state: 'usable'; readonly disk: DiskLook }
  /** It does not exist; `parent` is where it would be made. */
  | { readonly state: 'missing'; readonly parent: string }
  | { readonly state: 'hangs'; readonly limitMs: number }
  | { readonly state: 'refused'; readonly step: string; readonly why: string };

/** The smallest limit of processes and threads, and what sets it. */
export interface TaskLimit {
  readonly most: number;
  readonly by: 'user' | 'cgroup';
}

/** What a file system was measured to do. */
export interface BandwidthLook {
  readonly writeBytesPerSecond: number;
  readonly readBytesPerSecond: number;
  readonly isReadCached: boolean;
}

/** Everything that one host sees of itself; what the checks judge. */
export interface HostLook {
  readonly host: string;
  readonly depth: PreflightDepth;
  /** Before a launch nothing may run here; `doctor` may meet a training at work. */
  readonly isLaunch: boolean;
  readonly trainings: readonly { readonly keeper: string; readonly state: string }[] | Unseen;
  readonly leftovers: readonly LeftoverLook[] | Unseen;
  readonly unkillable: readonly number[] | Unseen;
  /** The newest lease that the host has seen, and the one that asks; null when there is none. */
  readonly fence: { readonly standing: number | null; readonly own: number | null } | Unseen;
  readonly address: string;
  readonly isAddressLocal: boolean;
  /** One of these must be free; empty: any port will do. null: node 0 is elsewhere. */
  readonly masterPorts: readonly PortLook[] | null;
  /** All of these must be free. */
  readonly ports: readonly PortLook[];
  readonly scratch: DiskLook | Unseen;
  readonly scratchWrite: WriteLook | null;
  readonly memory: {
    readonly availableBytes: number;
    readonly totalBytes: number;
    readonly neededBytes: number;
  };
  readonly openFiles: number | null;
  readonly neededOpenFiles: number;
  /** Processes and threads that the user of the worker may have; null: no limit, or none that can be read. */
  readonly tasks: TaskLimit | null;
  readonly neededTasks: number;
  readonly sharedMemory: { readonly totalBytes: number; readonly freeBytes: number } | Unseen;
  readonly neededSharedBytes: number;
  /** Offsets such as +0800 of the environment of ranks and of the worker; null: not looked at. */
  readonly zones: { readonly ranks: string; readonly worker: string } | Unseen | null;
  readonly workspacePath: string | null;
  readonly workspace: WorkspaceLook | null;
  readonly neededBytes: number;
  /** What came of setting the needed bytes aside for a moment; null: not tried, or the file system cannot. */
  readonly reserved: WriteLook | null;
  readonly bandwidth: BandwidthLook | Unseen | null;
}

/** Whether a look failed, so that only its reason is there. */
export function isUnseen(value: unknown): value is Unseen {
  return typeof value === 'object' && value !== null && 'unseen' in value;
}
