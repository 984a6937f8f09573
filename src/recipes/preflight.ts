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
  /** Open files that one process of the training needs. */
  readonly openFiles?: number;
  /**
   * Commands that change nothing and whose output `judge` reads. They run one after the other under the one lock that a
   * host has for the tools of its devices, in this order; a quick look is made in under a second, so it has few or none.
   */
  probes?(facts: PreflightFacts): readonly PreflightProbe[];
  /** Checks from the outputs, by probe id; ids begin with the recipe's own prefix, such as `npu/health`. */
  judge?(outputs: ReadonlyMap<string, ProbeOutput>, facts: PreflightFacts): RecipeReading;
  /** Checks from the facts of all hosts, by host: what must be equal, or must differ. */
  compare?(facts: ReadonlyMap<string, Readonly<Record<string, string>>>): readonly PreflightCheck[];
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
  /** A tool that hangs is a finding, not a wait: it is killed after this time, ms. */
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a probe ended. */
export interface ProbeOutput {
  readonly state: 'ended' | 'missing' | 'hung' | 'refused';
  /** Exit status; null when it was not started or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a recipe reads from its probes. */
export interface RecipeReading {
  readonly checks: readonly PreflightCheck[];
  /** Small facts that `compare` gets from every host; at most a few hundred bytes. */
  readonly facts: Readonly<Record<string, string>>;
}
