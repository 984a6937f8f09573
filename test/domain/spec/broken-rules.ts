import type { BrokenSpec } from './broken-schema.js';
import { FULL, edited } from './spec-cases.js';

/** Specs that break a cross-field rule, a lint, or the form of the text; rules are named by their id. */
export const RULE_CASES: readonly BrokenSpec[] = [
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
      's.yaml:5:12 workspace: "~/temper" starts with ~, only a shell knows ~, and it is another folder for each user and host, write the whole path from /',
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
    name: 'path/remote',
    text: edited('/mnt/shared/temper', 's3://bucket/temper'),
    says: [
      's.yaml:5:12 workspace: "s3://bucket/temper" is remote, only a path on the hosts is read here, nothing is fetched, bring it to the hosts and write its path from /',
    ],
  },
  {
    name: 'path/remote (images)',
    text: FULL.replace('path: /mnt/data/images', 'path: hf-dataset:owner/name/images'),
    says: [
      's.yaml:35:13 data.0.images.path: "hf-dataset:owner/name/images" is remote, only a path on the hosts is read here, nothing is fetched, write it under images.zip or images.hub, or give a folder',
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
    name: 'data/images-source',
    text: FULL.replace('      path: /mnt/data/images\n', '      path: /mnt/data/images\n      zip: a.zip\n'),
    says: [
      's.yaml:35:7 data.0.images: images has path and zip, images come from one place, give exactly one of path, zip, hub',
    ],
  },
  {
    name: 'data/source-form',
    text: edited('/mnt/data/rows.json', 'hf-dataset:owner/name'),
    says: [
      's.yaml:33:18 data.0.annotations: "hf-dataset:owner/name" cannot be fetched: it is not of the form hf-dataset:OWNER/NAME/PATH, only a source that can be read can be fetched, write a path, hf-dataset:OWNER/NAME/PATH, modelscope-dataset:OWNER/NAME/PATH, or an http(s) address',
    ],
  },
  {
    name: 'data/sha256-unused',
    text: edited('/mnt/data/rows.json', `/mnt/data/rows.json\n    annotationsSha256: ${'a'.repeat(64)}`),
    says: [
      's.yaml:34:5 data.0.annotationsSha256: annotationsSha256 stands beside a path, nothing would compare it, remove it, or give it to what it belongs to',
    ],
  },
  {
    name: 'environment/offline',
    text: edited('/mnt/data/rows.json', 'https://example.org/rows.json').replace(
      'environment:\n',
      'environment:\n  offline: true\n',
    ),
    says: [
      's.yaml:34:18 data.0.annotations: https://example.org/rows.json is remote, environment.offline is true, so nothing may be fetched, bring it to the hosts and name its path, or remove environment.offline',
    ],
  },
  {
    name: 'environment/offline (repository)',
    text: edited('      ref: main', '      url: ssh://git@example.org/trainer.git').replace(
      'environment:\n',
      'environment:\n  offline: true\n',
    ),
    says: [
      's.yaml:18:12 environment.sources.trainer.url: ssh://git@example.org/trainer.git is remote, environment.offline is true, so nothing may be fetched, bring it to the hosts and name its path, or remove environment.offline',
    ],
  },
  {
    name: 'environment/source-secret',
    text: edited('      ref: main', '      url: https://oauth2:hush@example.org/trainer.git?private_token=hush'),
    says: [
      "s.yaml:17:12 environment.sources.trainer.url: the address https://…@example.org/trainer.git?private_token=… holds a password or token, a spec is stored in clear, shown and copied, remove it, and give it to git on the hosts (a credential helper, or url.insteadOf in git's settings)",
    ],
  },
  {
    name: 'data/source-form (with a password)',
    text: edited('/mnt/data/rows.json', 'https://me:hush@example.org/rows.json'),
    says: [
      's.yaml:33:18 data.0.annotations: "https://…@example.org/rows.json" cannot be fetched: it holds a user name or password, only a source that can be read can be fetched, write a path, hf-dataset:OWNER/NAME/PATH, modelscope-dataset:OWNER/NAME/PATH, or an http(s) address',
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
  {
    name: 'text/too-large',
    text: `# ${'x'.repeat(65_536)}`,
    says: [
      's.yaml:1:1: the file has more than 65536 bytes, a spec is written by people and travels whole with the run, name large lists in files of their own; is this the data set instead of the spec?',
    ],
  },
  {
    name: 'text/binary',
    text: 'name: a\u0000b',
    says: ['s.yaml:1:8: a NUL character stands at offset 7, a spec is UTF-8 text, save the file as UTF-8 text'],
  },
  {
    name: 'text/too-deep',
    text: `name: ${'['.repeat(65)}`,
    says: [
      's.yaml:1:71: more than 64 levels are nested, no spec nests that deep and a parser could run out of memory, close the brackets, or write one entry per line',
    ],
  },
  {
    name: 'yaml/empty',
    text: '# nothing\n',
    says: [
      's.yaml:1:1: the file is empty, a spec says what to train, with what and where, start from temper init --recipe cpu-tiny',
    ],
  },
  {
    name: 'yaml/not-a-section',
    text: '- a\n- b\n',
    says: [
      's.yaml:1:1: the file is not a list of fields (name: value), a spec says what to train, with what and where, start from temper init --recipe cpu-tiny',
    ],
  },
  {
    name: 'yaml/syntax',
    text: edited('name: full', 'name: "full'),
    says: [
      's.yaml:3:7: this is not YAML (Missing closing "quote), the text cannot be read beyond this place, check quotes, brackets, colons and indentation here and in the line before',
    ],
  },
  {
    name: 'yaml/duplicate-key',
    text: edited('name: full', 'name: full\nname: again'),
    says: [
      's.yaml:4:1: the key "name" stands twice in this section, one of the two values would be ignored silently, remove one of them',
    ],
  },
  {
    name: 'yaml/tab',
    text: edited('  dtype: bf16', '\tdtype: bf16'),
    says: ['s.yaml:85:1: a tab is used for indentation, YAML allows spaces only, replace the tab by spaces'],
  },
  {
    name: 'yaml/multiple-documents',
    text: `${FULL}---\nname: two\n`,
    says: [
      's.yaml:91:1: a second document starts here (---), a file holds one spec and the rest would be ignored, move it to a file of its own',
    ],
  },
  {
    name: 'yaml/anchor',
    text: edited('name: full', 'name: &n full'),
    says: [
      's.yaml:3:10: the anchor &n marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/anchor (alias)',
    text: edited('name: full', 'name: &n full').replace('name: ready', 'name: *n'),
    says: [
      's.yaml:3:10: the anchor &n marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:38:11: the alias *n repeats another part of the file, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/key (one that would be lost)',
    text: edited('    TRIES: 3', '    __proto__: 3'),
    says: [
      's.yaml:70:5: "__proto__" is used as a key, programs do not take it for a name, and would lose what stands under it, rename it',
    ],
  },
  {
    name: 'text/too-deep (behind a comment with a quote)',
    text: `a: "b # c", ${'['.repeat(65)}`,
    says: [
      's.yaml:1:77: more than 64 levels are nested, no spec nests that deep and a parser could run out of memory, close the brackets, or write one entry per line',
    ],
  },
  {
    name: 'yaml/merge-key',
    text: edited('export:\n', 'export:\n  <<: { dtype: f32 }\n'),
    says: [
      's.yaml:85:3: the merge key << takes fields from elsewhere, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/tag',
    text: edited('name: full', 'name: !!str full'),
    says: [
      's.yaml:3:13: the tag "tag:yaml.org,2002:str" changes the type of a value, types come from the schema of the spec, remove the tag; put text that looks like a number in quotes',
    ],
  },
  {
    name: 'yaml/directive',
    text: `%YAML 1.1\n---\n${FULL}`,
    says: [
      's.yaml:1:1: the file asks for YAML 1.1, in older YAML "on", "no" and 0777 mean something else than they say, remove the %YAML line',
    ],
  },
  {
    name: 'yaml/key',
    text: edited('    TRIES: 3', '    1: 3'),
    says: [
      's.yaml:70:5: 1 is used as a key, keys are names, write the key as text, in quotes if it looks like a number',
    ],
  },
  {
    name: 'alias bomb',
    text: [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 20 },
        (_, i) =>
          `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${Array.from({ length: 9 }, () => `*${String.fromCharCode(97 + i)}`).join(',')}]`,
      ),
    ].join('\n'),
    says: [
      's.yaml:1:7: the anchor &a marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:2:7: the anchor &b marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:2:8: the alias *a repeats another part of the file, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
];
