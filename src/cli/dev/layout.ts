import { join, resolve } from 'node:path';

/** Fleet of `temper dev`, and the default of every spec. */
export const DEV_FLEET = 'default';
/** Namespace that the embedded server makes by itself. */
export const DEV_NAMESPACE = 'default';

/** Where `temper dev` keeps its state; all under one folder, so that removing that folder forgets everything. */
export interface DevLayout {
  readonly home: string;
  /** How other commands find this dev; exists while it runs. */
  readonly stateFile: string;
  /** History of all runs, in SQLite. */
  readonly database: string;
  readonly logs: string;
  /** Stands for the person's temporal.toml in what dev starts: names no server. */
  readonly emptyProfile: string;
  /** Host names with their private scratch folders. */
  readonly hosts: readonly { readonly name: string; readonly scratch: string }[];
}

/** The layout for a number of host workers, named laptop-1, laptop-2, ... */
export function devLayout(homeFolder: string, hostCount: number): DevLayout {
  const home = resolve(homeFolder);
  const names = Array.from({ length: hostCount }, (_, index) => `laptop-${index + 1}`);
  return {
    home,
    stateFile: join(home, 'dev.json'),
    database: join(home, 'temporal.db'),
    logs: join(home, 'logs'),
    emptyProfile: join(home, 'temporal-empty.toml'),
    hosts: names.map((name) => ({ name, scratch: join(home, 'hosts', name) })),
  };
}
