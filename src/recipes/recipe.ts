import type { Problem } from '../schemas/problem.js';
import type { ModelWish } from '../domain/model-config.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { Resources, StageName } from '../schemas/plan.js';
import type { CauseRule } from '../domain/causes/causes.js';
import type { LearningRateSchedule } from '../domain/checkpoints/learning-rate.js';
import type { StageDraft } from '../domain/plan.js';
import type { CheckpointContract } from './checkpoint-contract.js';
import type { LogDialect } from './log-dialect.js';
import type { PreflightRecipe } from './preflight.js';
import type { EvaluationRecipe } from './evaluation-recipe.js';

/**
 * A recipe is everything Temper knows about one model with one training code: functions from facts to commands,
 * files, checks and readings. It runs nothing and reads nothing, so it can be tested by tables and changed without
 * touching workflows, hosts or the CLI.
 */
export interface Recipe {
  readonly id: string;
  /** Enters every fingerprint: raise it when an unchanged spec must give other outputs. */
  readonly version: number;
  readonly summary: string;
  /** Text of a commented spec, for `temper init`. */
  readonly template: string;
  /** Folder of the recipe's programs, relative to the folder of all recipes. */
  readonly programsFolder: string;
  /** What is wrong or risky in a spec that fits the schema. */
  lint(spec: PipelineSpec): readonly Lint[];
  /** The stages of the pipeline, without the fields that the planner computes. */
  stages(spec: PipelineSpec): readonly StageDraft[];
  readonly environment: EnvironmentRecipe;
  /** Environment variables of the ranks that the training code reads, for the documentation of `train.env`. */
  readonly variables?: readonly { readonly name: string; readonly description: string }[];
  /** Commands, files and proofs of a stage that runs on one host. */
  work(stage: ProducedStage, facts: StageFacts): StageWork;
  /** Which model the programs take; any when left out. */
  modelWish?(spec: PipelineSpec): ModelWish;
  readonly training: TrainingRecipe;
  readonly checkpoint: CheckpointContract;
  /** What failures of this training code mean; looked at before the generic rows. */
  readonly verdictRules: readonly CauseRule[];
  /** What this training needs of a host beyond the generic preflight list. */
  readonly preflight?: PreflightRecipe;
  /** How exported models are compared by retrains; without it a schedule needs a command of its own. */
  readonly evaluation?: EvaluationRecipe;
}

/** Stages whose output is made by commands on one host and kept in the store. */
export type ProducedStage = Exclude<StageName, 'environment' | 'train'>;

/** Something wrong or risky in a spec that fits the schema. */
export interface Lint {
  /** Id that `accept:` names; kebab case under a section, such as `train/one-checkpoint`. */
  readonly id: string;
  /** An error stops the run unless its id is accepted and `acceptable`; a warning is told. */
  readonly severity: 'error' | 'warning';
  readonly acceptable: boolean;
  /** Spec field that it is about. */
  readonly path: readonly (string | number)[];
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** Programs and folders of the host that runs a stage. */
export interface HostTools {
  /** Python interpreter of the training environment. */
  readonly python: string;
  readonly node: string;
  /** The Temper CLI of this host, for work that Temper itself does under a keeper. */
  readonly temper: string;
  /** Folder of the recipe's own programs. */
  readonly programs: string;
  /** Folder of the environment, for a recipe that has a place for one. */
  readonly environment?: string;
  readonly cpus: number;
}

/** What an earlier stage left: its folder, its named outputs (absolute paths) and its small facts. */
export interface StageOutput {
  readonly dir: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly facts: Facts;
}
/** What is known of an output, by name. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** What the work of a stage follows from. */
export interface StageFacts {
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  /** Folder that the stage writes into; renamed into the store when everything is proven. */
  readonly out: string;
  readonly inputs: Readonly<Partial<Record<StageName, StageOutput>>>;
}

/** A command as the keeper starts it: an argument array, never a shell string. */
export interface Command {
  /** Name of the step within its stage; part of the keeper id. */
  readonly step: string;
  /** What it is called in errors; the step when left out. */
  readonly title?: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of variables handed over from the worker's own environment; their values are written nowhere. */
  readonly secretEnv?: readonly string[];
  /** Longest time that it may take, and what a person can do about one that takes longer; it is stopped then. */
  readonly limit?: { readonly ms: number; readonly fix: string };
  /** Reaches repositories or package indexes: gets the mirrors, proxies and certificates of the host's settings. */
  readonly isRemote?: boolean;
}

/** Proof of an output, as data; `src/host/checks` carries them out. Paths are absolute. */
export type Check =
  | { readonly kind: 'modelFolder'; readonly dir: string }
  | { readonly kind: 'convertedCheckpoint'; readonly dir: string; readonly original: string }
  | {
      readonly kind: 'sameModel';
      readonly original: string;
      readonly exported: string;
      readonly dtype: 'bf16' | 'f32';
      /** Tensors whose names hold one of these texts must equal the original's. */
      readonly frozen: readonly string[];
      /** An earlier step showed that something was trained; after a cast it may be rounded away. */
      readonly mayBeEqual?: boolean;
    }
  | { readonly kind: 'filesExist'; readonly paths: readonly string[] };

/** What a host does for a stage, and how it proves that it is done. */
export interface StageWork {
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly commands: readonly Command[];
  readonly checks: readonly Check[];
  /** What it needs of the host, from the real sizes of its inputs; the plan's when left out. */
  readonly resources?: Resources;
  /** Named outputs, as paths relative to `out`; adopted ones are absolute. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Folders (relative to `out`) of very many files, such as images: one entry each in the receipt, none is hashed. */
  readonly manyFiles?: readonly string[];
  /** JSON files (relative to `out`) from which `facts` makes the stage's small facts. */
  readonly factFiles?: readonly string[];
  /** Small facts for status and report, from the parsed fact files in their order; may name problems. */
  facts?(files: readonly unknown[]): { readonly facts: Facts; readonly problems: readonly Problem[] };
}

/** Where an environment lies on a host. */
export interface EnvironmentPlace {
  readonly root: string;
  readonly python: string;
  /** Whether all hosts see the same folder: then one of them installs, and each verifies. */
  readonly isShared: boolean;
}

/** What a probe's answer means. */
export interface EnvironmentReading {
  /** Name to version or commit; hosts with different locks do not train together. */
  readonly lock: Readonly<Record<string, string>>;
  /** What makes the host unfit and no repair can change. */
  readonly problems: readonly Problem[];
  /** What deserves attention and stops nothing. */
  readonly warnings?: readonly string[];
  /** What is not as it should be, one sentence each. */
  readonly differences?: readonly string[];
  /** Commands that make what was found into what is wanted, in order; empty when nothing differs. */
  readonly repairs?: readonly Command[];
  /** Bytes that the repairs may write where the environment lies. */
  readonly repairBytes?: number;
}

/** How the software of a host is looked at, installed and proven. */
export interface EnvironmentRecipe {
  /** Where the environment lies; without a place the Python of the host's worker or of the spec is all there is. */
  place?(spec: PipelineSpec, scratch: string): EnvironmentPlace;
  /** Quick command that prints one JSON line about the installed software; changes nothing. */
  probe(tools: HostTools, spec: PipelineSpec): Command;
  /** Slower command that shows that the software really works; run when the probe's answer is new. */
  prove(tools: HostTools, spec: PipelineSpec): Command;
  /** Reads the probe's parsed line: what is there, what is wrong, and how to repair it. */
  read(line: unknown, spec: PipelineSpec, tools: HostTools): EnvironmentReading;
  /** Commands that make the environment in its place where nothing of it is there; for scripts that people run. */
  install?(spec: PipelineSpec, tools: HostTools): readonly Command[];
}

/** One host's place in a gang and the folders of the attempt. */
export interface LaunchFacts {
  readonly spec: PipelineSpec;
  readonly tools: HostTools;
  readonly nodeRank: number;
  readonly nodes: number;
  readonly ranksPerNode: number;
  readonly masterAddress: string;
  readonly masterPort: number;
  /** Address of this host's training interface. */
  readonly address: string;
  /** Network interface of this host that has the address; null when none has. */
  readonly networkInterface: string | null;
  /** Folder for the per-rank logs, on the host's own disk. */
  readonly rankLogDir: string;
  /** Folder on the host's own disk for caches that outlive an attempt. */
  readonly cacheDir: string;
  /** This host's folder within the attempt, in the workspace; no other host writes there. */
  readonly hostDir: string;
  /** Load view of the attempt: a folder with a tracker file that names the checkpoint to start from. */
  readonly loadDir: string;
  /** Where the attempt's checkpoints go; no other attempt writes there. */
  readonly saveDir: string;
  /** Whether the load view shows a checkpoint of training itself (not the converted weights). */
  readonly isResume: boolean;
  /** What was measured in this workspace; recipes have estimates for what was not. */
  readonly measured?: MeasuredTimes;
  readonly inputs: Readonly<Partial<Record<StageName, StageOutput>>>;
}

/** Times of a training as they were measured; null: nobody did yet. */
export interface MeasuredTimes {
  /** A save, by its bytes and the bandwidth of all hosts at once. */
  readonly saveMs: number | null;
  /** Rows that the ranks of one host prepare in a second, from the slowest earlier attempt. */
  readonly preprocessRowsPerSecond: number | null;
}

/** Why the parts of a launch are what they are, for a person who reads it. */
export interface LaunchReasons {
  /** By argument, such as `--lr`; arguments that are left out on purpose are named too. */
  readonly arguments: Readonly<Record<string, string>>;
  /** By name of the variable. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a training is launched, and what its logs and checkpoints mean. */
export interface TrainingRecipe {
  launch(facts: LaunchFacts): Command;
  /** Files that the launch reads; written before it, by the host that it runs on. */
  files?(facts: LaunchFacts): readonly { readonly path: string; readonly content: string }[];
  /** Told by `temper render`; never part of what runs. */
  reasons?(facts: LaunchFacts): LaunchReasons;
  readonly log: LogDialect;
  /** Rank whose log has the iteration lines: the last of all. Milestones come from rank 0. */
  iterationRank(nodes: number, ranksPerNode: number): number;
  /** Folder in `hostDir` into which that rank writes as its iterations go, for whom its log cannot be read. */
  readonly curves: string;
  /** Ports to try on rank 0's host, in order, unless the spec names some; empty means any free port. */
  masterPorts(spec: PipelineSpec): readonly number[];
  /** Signal at which a rank writes the stacks of its threads into its error log and goes on; none when left out. */
  readonly stackSignal?: 'SIGUSR1' | 'SIGUSR2';
  /** Modules that the log of rank 0 must name as not trained; nothing is compared when left out. */
  frozen?(spec: PipelineSpec): readonly string[];
  /** Parameters of the model that a spec names, before any weight is converted; null where only the weights can tell. */
  plannedParameters?(spec: PipelineSpec): { readonly total: number; readonly trained: number } | null;
  /** What a resume restores; without it only weights and position can be told. */
  readonly resume?: ResumeRecipe;
}

/** What the training code does with a saved state. */
export interface ResumeRecipe {
  /** What a resume is told to load beside weights and position. */
  loads(spec: PipelineSpec): { readonly optimizer: boolean; readonly rng: boolean };
  /** See `ResumeFacts.fillsMoments`. */
  readonly fillsMoments: boolean;
  schedule(spec: PipelineSpec): LearningRateSchedule;
  /** Whether a model tensor learns, so that the optimizer keeps moments of it. */
  isTrained(fqn: string, spec: PipelineSpec): boolean;
}
