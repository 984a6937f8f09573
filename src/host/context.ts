import type { NetworkConfig } from '../config.js';
import type { HostTools } from '../recipes/recipe.js';

/** What a host worker knows of its host; handed to everything that touches it. */
export interface HostContext {
  readonly name: string;
  readonly fleet: string;
  /** Folder on the host's own disk. */
  readonly scratch: string;
  /** Address at which other hosts reach this one for training. */
  readonly address: string;
  /** Bundled keeper program, copied beside every command that it runs. */
  readonly keeperBundle: string;
  /** Folder that holds the folders of the recipes with their programs. */
  readonly programsRoot: string;
  readonly tools: Omit<HostTools, 'programs'>;
  /** How this host reaches repositories and package indexes; directly when left out. */
  readonly network?: NetworkConfig;
}
