import type { BrokenSpec } from './broken-schema.js';
import { SOURCE_CASES } from './broken-sources.js';
import { edited } from './spec-cases.js';

/** Specs that break a cross-field rule, a lint, or the form of the text; rules are named by their id. */
export const RULE_CASES: readonly BrokenSpec[] = [
  ...SOURCE_CASES,
  {
    name: 'unknown recipe',
    text: edited('recipe: test-recipe', 'recipe: test-recpie'),
    says: [
      's.yaml:4:9 recipe: there is no recipe "test-recpie", a recipe decides what is trained with what, did you mean test-recipe?',
    ],
  },
  {
    name: 'path/home',
    text: edited('/mnt/shared/temper', '~/temper'),
    says: [
      's.yaml:5:12 workspace: "~/temper" starts with ~, only a shell knows ~ and $NAME, and they are other folders for each user and host, write the whole path from /',
    ],
  },
  {
    name: 'path/home',
    text: edited('/mnt/shared/temper', '${HOME}/ws'),
    says: [
      's.yaml:5:12 workspace: "${HOME}/ws" starts with ${HOME}, only a shell knows ~ and $NAME, and they are other folders for each user and host, write the whole path from /',
    ],
  },
  {
    name: 'path/not-absolute',
    text: edited('python: /opt/env/bin/python', 'python: env/bin/python'),
    says: [
      's.yaml:13:11 environment.python: "env/bin/python" is a relative path, it is a path on the hosts, where nothing is known of the place of this file, write the whole path from /',
    ],
  },
  {
    name: 'workspace/root',
    text: edited('/mnt/shared/temper', '/'),
    says: [
      's.yaml:5:12 workspace: the workspace is /, Temper keeps runs and outputs there and would mix them with the system, give it a folder of its own, such as /mnt/shared/temper',
    ],
  },
  {
    name: 'scratch/inside-workspace',
    text: edited('scratch: /local/temper', 'scratch: /mnt/shared/temper/scratch'),
    says: [
      "s.yaml:6:10 scratch: scratch /mnt/shared/temper/scratch and workspace /mnt/shared/temper lie in one another, the workspace is seen by all hosts and scratch must be each host's own, use two separate folders",
    ],
  },
  {
    name: 'weights/original-missing',
    text: edited('  original: /mnt/models/hf\n', ''),
    says: [
      's.yaml:27:11 weights.source: a dcp: source stands without weights.original, a converted checkpoint holds neither tokenizer nor config, and the export is compared with the original, add weights.original: FOLDER, the Hugging Face folder that it was converted from',
    ],
  },
  {
    name: 'weights/original-unused',
    text: edited('dcp:/mnt/models/dcp', 'seed:1'),
    says: [
      's.yaml:28:3 weights.original: weights.original stands beside seed:1, only a dcp: source needs the model that it was converted from, remove weights.original',
    ],
  },
  {
    name: 'weights/revision-unused',
    text: edited('  original: /mnt/models/hf\n', '  original: /mnt/models/hf\n  revision: main\n'),
    says: [
      's.yaml:29:3 weights.revision: weights.revision stands beside dcp:/mnt/models/dcp, folders and seeds have no revisions, so it would pin nothing, remove weights.revision',
    ],
  },
  {
    name: 'data/duplicate-name',
    text: edited('name: ready', 'name: pictures'),
    says: [
      's.yaml:38:11 data.1.name: data.0 is named "pictures" too, outputs and messages name data sets, give each data set a name of its own',
    ],
  },
  {
    name: 'schema/rule',
    text: edited('export:\n', 'export:\n  smoke: { command: [run] }\n'),
    says: [
      's.yaml:85:21 export.smoke.command: ["run"] does not fit, it means: Argument list, no shell: {{model}} is the exported folder, {{python}} the interpreter of the training environment. Exit status 0 means that the model works, one part must hold {{model}}',
    ],
  },
  {
    name: 'train/env-secret',
    text: edited('    TRIES: 3', '    HF_TOKEN: hf_abc'),
    says: [
      "s.yaml:70:5 train.env.HF_TOKEN: HF_TOKEN looks like a secret, a spec is stored in clear, shown and copied, remove it here and set it in the host worker's own environment",
    ],
  },
  {
    name: 'train/env-launcher',
    text: edited('    TRIES: 3', '    MASTER_PORT: 1'),
    says: [
      's.yaml:70:5 train.env.MASTER_PORT: MASTER_PORT is set by Temper and torchrun, another value would split the gang or hide its processes, remove it; fleet.hosts and fleet.npusPerHost decide it',
    ],
  },
  {
    name: 'lint that is an error',
    text: edited('seed: 42', 'seed: 1'),
    says: ['s.yaml:56:9 train.seed: the seed is special, tests need it, use 42, or add train/unlucky-seed to accept'],
  },
  {
    name: 'lint that is a warning',
    text: edited('seed: 42', 'seed: 2'),
    says: [
      's.yaml:56:9 train.seed: warning: the seed is special, tests need it, use 42, or add train/odd-seed to accept',
    ],
  },
  {
    name: 'lint that cannot be accepted',
    text: edited('seed: 42', 'seed: 3').replace('accept: []', 'accept: [train/forbidden-seed]'),
    says: [
      's.yaml:56:9 train.seed: the seed is special, tests need it, use 42',
      's.yaml:90:10 accept.0: warning: train/forbidden-seed cannot be accepted, an acceptance without a reason hides a later problem, remove it',
    ],
  },
  {
    name: 'accepted lint',
    text: edited('seed: 42', 'seed: 1').replace('accept: []', 'accept: [train/unlucky-seed]'),
    says: ['s.yaml:56:9 train.seed: warning: the seed is special (accepted), tests need it, use 42'],
  },
  {
    // Whether it is needed is only known where the training runs.
    name: 'accepted lint of a measure',
    text: edited('seed: 42', 'seed: 1').replace('accept: []', 'accept: [train/unlucky-seed, train/save-share]'),
    says: ['s.yaml:56:9 train.seed: warning: the seed is special (accepted), tests need it, use 42'],
  },
  {
    name: 'accept/unused',
    text: edited('seed: 42', 'seed: 1').replace('accept: []', 'accept: [train/unlucky-sed]'),
    says: [
      's.yaml:56:9 train.seed: the seed is special, tests need it, use 42, or add train/unlucky-seed to accept',
      's.yaml:90:10 accept.0: warning: nothing in this spec raises train/unlucky-sed, an acceptance without a reason hides a later problem, did you mean train/unlucky-seed?',
    ],
  },
];
