import { z } from 'zod';
import { PATH_TEXT, PathSchema, patternText, REVISION } from './units.js';

/** Names that recipes give to the repositories and packages of their environment. */
const SourceNameSchema = patternText(
  /^[A-Za-z][A-Za-z0-9_.-]{0,59}$/,
  'a name of a source or package has 1 to 60 letters, digits, dots, dashes and underscores',
  'trainer',
);

const SourceSchema = z.strictObject({
  ref: patternText(REVISION, 'a ref is a commit, tag or branch', 'main')
    .optional()
    .describe('Commit, tag or branch of the checkout; the commit of the recipe when left out.'),
  url: patternText(
    new RegExp(String.raw`^(?!\w+:.*\s)(?:(?:https?|ssh|git|file):\/\/|\/)${PATH_TEXT}$`),
    'a repository is an https, ssh, git or file URL without spaces, or an absolute path',
    'https://git.example.com/trainer.git',
  )
    .max(1024)
    .optional()
    .describe(
      "Repository to clone from, a URL or an absolute path on the hosts; the recipe's when left out. Mirrors of a site belong into the settings of its hosts.",
    ),
});

/** The `environment` section of the spec: the software on the hosts. */
export const EnvironmentSchema = z.strictObject({
  location: z
    .enum(['perHost', 'shared'])
    .default('perHost')
    .describe(
      "Where the environment is installed: perHost (on each host's own disk) or shared (once, in a folder that all hosts see; verified on each).",
    ),
  folder: PathSchema.optional().describe(
    'Folder on the hosts for environments; below scratch (perHost) or the workspace (shared) when left out.',
  ),
  basePython: PathSchema.optional().describe(
    'Interpreter that the environment is made from; the one that the recipe looks for in PATH when left out.',
  ),
  packages: z
    .record(
      SourceNameSchema,
      patternText(/^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,59}$/, 'a version is one exact version, without ==', '2.7.1'),
    )
    .optional()
    .describe('Exact versions of packages that the environment gets, by name, where they differ from the recipe.'),
  python: PathSchema.optional().describe(
    'Python interpreter of an existing environment on the hosts; verified and never changed.',
  ),
  checkouts: z
    .record(SourceNameSchema, PathSchema)
    .optional()
    .describe(
      'Folders of existing checkouts on the hosts, by name; verified and never changed. They stand beside python.',
    ),
  cannEnv: PathSchema.optional().describe('set_env.sh of the accelerator toolkit on the hosts.'),
  toolkitRoot: PathSchema.optional().describe(
    'Folder on the hosts that holds driver, firmware and toolkit of the accelerator; verified and never changed.',
  ),
  sources: z
    .record(SourceNameSchema, SourceSchema)
    .optional()
    .describe('Source repositories that the recipe checks out, by name: which commit, and from where.'),
  offline: z
    .boolean()
    .optional()
    .describe('true: nothing may be fetched from anywhere; every remote source of the spec is an error.'),
});
