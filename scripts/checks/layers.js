/**
 * Who may import whom: rule 5 of CONTRIBUTING.md as data. A layer is a folder under src, or a file there.
 * `values` may be imported in any way, `types` only with `import type`.
 */
export const LAYERS = {
  schemas: { values: [], types: [] },
  domain: { values: ['schemas'], types: [] },
  recipes: { values: ['domain', 'schemas'], types: [] },
  host: { values: ['domain', 'schemas', 'config', 'version'], types: ['recipes'] },
  activities: { values: ['host', 'recipes', 'domain', 'schemas', 'version'], types: [] },
  workflows: { values: ['domain'], types: ['schemas', 'activities'] },
  client: { values: ['recipes', 'domain', 'schemas', 'config', 'version'], types: ['host'] },
  cli: { values: ['client', 'recipes', 'domain', 'schemas', 'config', 'version'], types: [] },
  worker: { values: ['activities', 'client', 'host', 'domain', 'schemas', 'config', 'logger', 'version'], types: [] },
  config: { values: [], types: [] },
  logger: { values: ['loggable', 'domain'], types: [] },
  loggable: { values: [], types: [] },
  version: { values: [], types: [] },
};

/** Commands that work on files which the person at this machine names. */
const FILE_COMMANDS = [
  'checkpoint-copy',
  'checkpoint-verify',
  'data-check',
  'data-convert',
  'doctor',
  'export-verify',
  'fetch',
  'model-cast',
  'model-inspect',
  'model-reduce',
  'render',
  'unzip',
];

/**
 * Exceptions with a reason: folders or files that reach further than their layer.
 */
export const EXCEPTIONS = [
  // `temper dev` starts processes on this machine and ends them; it is a host of its own, and writes their logs.
  { path: 'src/cli/dev/', values: ['host', 'logger'] },
  // Commands on files of this machine need no server, so there is no client to go through. All others ask a host.
  ...FILE_COMMANDS.map((name) => ({ path: `src/cli/commands/${name}.ts`, values: ['host'] })),
  // Imported lazily: the command is the worker.
  { path: 'src/cli/commands/worker.ts', values: ['worker'] },
];

/** Who may import a package (and its subpaths) as a value; packages that are not listed are free. */
export const PACKAGES = {
  '@temporalio/client': ['src/client/', 'src/worker.ts'],
  '@temporalio/envconfig': ['src/client/'],
  '@temporalio/worker': ['src/worker.ts'],
  '@temporalio/testing': [],
  '@temporalio/activity': ['src/activities/'],
  '@temporalio/workflow': ['src/workflows/'],
  commander: ['src/cli/'],
  pino: ['src/logger.ts'],
};

/** Node modules that reach the machine: "only host spawns, kills, or reads disks". */
export const MACHINE_MODULES = [
  'child_process',
  'cluster',
  'dgram',
  'fs',
  'http',
  'http2',
  'https',
  'module',
  'net',
  'os',
  'tls',
  'worker_threads',
];

/** Layers that never touch the machine. */
export const PURE_LAYERS = ['schemas', 'domain', 'recipes', 'workflows', 'activities'];

/** Who may start and kill processes. */
export const SPAWNERS = ['src/host/', 'src/cli/dev/'];

/** Who may use the modules that reach the machine. */
export const MACHINE_USERS = [
  ...SPAWNERS,
  // Files which the person at this machine names, and the machine itself: a spec, a report, keys, free memory.
  'src/cli/spec-file.ts',
  'src/cli/report-path.ts',
  'src/cli/commands/doctor.ts',
  'src/cli/commands/init.ts',
  'src/cli/commands/render.ts',
  'src/client/connect.ts',
  'src/client/tls.ts',
  // The host's own process: its scratch folder and name.
  'src/worker.ts',
];
