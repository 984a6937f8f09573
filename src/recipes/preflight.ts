import type { PreflightCheck, PreflightDepth } from '../schemas/preflight.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { HostTools } from './recipe.js';

/**
 * What a recipe adds to the preflight list: ports and limits that its training code needs, and checks of its own from
 * the output of commands. Like all of a recipe it is pure; `src/host/preflight` runs the commands.
 */
export interface PreflightRecipe {
  /** Ports that must be free on every host, beside the one of the rendezvous. */
  ports?(spec: PipelineSpec): readonly number[];
  /** What the system must allow the ranks of a host. */
  limits?(spec: PipelineSpec): RankLimits;
  /**
   * Commands that change nothing and whose output `judge` reads. They run one after the other under the one lock that a
   * host has for the tools of its devices, in this order; a quick look is made in under a second, so it has few or none.
   */
  probes?(facts: PreflightFacts): readonly PreflightProbe[];
  /** Commands that only make sense after what the first ones said, such as the fault of a device that is not well. */
  followUps?(outputs: ReadonlyMap<string, ProbeOutput>, facts: PreflightFacts): readonly PreflightProbe[];
  /** Checks from the outputs, by probe id; ids begin with the recipe's own prefix, such as `npu/health`. */
  judge?(outputs: ReadonlyMap<string, ProbeOutput>, facts: PreflightFacts, sight: HostSight): RecipeReading;
  /**
   * Checks from the facts of hosts, by host: what must be equal, or must differ. `others` are hosts of the gang that were
   * not asked now, as they told it earlier.
   */
  compare?(facts: FactsByHost, others: FactsByHost): readonly PreflightCheck[];
}

/** What hosts told, by name of the fact, by host. */
export type FactsByHost = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Limits that the ranks of a host meet together; what is left out is not asked for. */
export interface RankLimits {
  /** Open files of one process. */
  readonly openFiles?: number;
  /** Processes and threads of all ranks and loaders, as an estimate. */
  readonly tasks?: number;
  /** Shared memory that the loaders of all ranks fill. */
  readonly sharedMemoryBytes?: number;
}

/** What the commands depend on. */
export interface PreflightFacts {
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  readonly host: string;
  readonly depth: PreflightDepth;
  /** Before a launch nothing else may use the devices; otherwise a training may be at work. */
  readonly isLaunch: boolean;
}

/** A command that reads something of the host. */
export interface PreflightProbe {
  readonly id: string;
  readonly argv: readonly string[];
  /** Folders where the program is looked for after those of PATH. */
  readonly folders?: readonly string[];
  /** A tool that hangs is a finding, not a wait: it is killed after this time, ms. */
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * How a probe ended. `busy`: others held the tools of this host for too long; `hung`: it, or one of the same program
 * before it, did not answer in time.
 */
export interface ProbeOutput {
  readonly state: 'ended' | 'missing' | 'hung' | 'refused' | 'busy';
  /** Exit status; null when it was not started or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a host sees of itself beside the outputs of probes. */
export interface HostSight {
  /** Processes of this machine by pid, as far as this process namespace shows them. */
  readonly processes: ReadonlyMap<number, SeenProcess>;
  /** Network interfaces that are up and have an address. */
  readonly interfaces: readonly string[];
  /** The one of them that has the training address; null when none has. */
  readonly trainingInterface: string | null;
}

/** A process that may use a device. */
export interface SeenProcess {
  readonly user: string;
  readonly name: string;
  /** Keeper of Temper's that it belongs to; null: it is none of Temper's, or another user's. */
  readonly keeper: string | null;
}

/** What a recipe reads from its probes. */
export interface RecipeReading {
  readonly checks: readonly PreflightCheck[];
  /** Small facts that `compare` gets from every host; at most a few hundred bytes. */
  readonly facts: Readonly<Record<string, string>>;
}
