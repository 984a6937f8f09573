import { FULL, edited } from './spec-cases.js';

/** A broken spec and what `temper validate` says about it, line for line. */
export interface BrokenSpec {
  readonly name: string;
  readonly text: string;
  /** The first problems, at most three. */
  readonly says: readonly string[];
}

/** Specs that break the schema. */
export const SCHEMA_CASES: readonly BrokenSpec[] = [
  {
    name: 'unknown key with a near one',
    text: edited('  iterations: 400', '  iteratons: 400'),
    says: [
      's.yaml:50:3 train.iteratons: unknown key "iteratons", a key that nobody reads would silently change nothing, did you mean iterations?',
    ],
  },
  {
    name: 'unknown key in another spelling',
    text: edited('learningRate: 2.0e-3', 'learning_rate: 2.0e-3'),
    says: [
      's.yaml:53:3 train.learning_rate: unknown key "learning_rate", a key that nobody reads would silently change nothing, did you mean learningRate?',
    ],
  },
  {
    name: 'key of another section',
    text: edited('accept: []', 'spares: 1'),
    says: [
      's.yaml:90:1 spares: unknown key "spares", a key that nobody reads would silently change nothing, it belongs under fleet',
    ],
  },
  {
    name: 'unknown key without any near one',
    text: edited('accept: []', 'zebra: 1'),
    says: [
      's.yaml:90:1 zebra: unknown key "zebra", a key that nobody reads would silently change nothing, known keys: apiVersion, name, recipe, workspace, scratch, fleet, environment, weights, data, train, export, recovery, accept',
    ],
  },
  {
    name: 'key of another data format',
    text: edited('    rows: 1600', '    rows: 1600\n    annotations: /x.json'),
    says: [
      's.yaml:47:5 data.2.annotations: unknown key "annotations", a key that nobody reads would silently change nothing, it belongs to another format of data set',
    ],
  },
  {
    name: 'missing section',
    text: edited('export:\n  dtype: bf16\n', '').replace(
      'fleet:\n  name: default\n  hosts: 2\n  npusPerHost: 1\n  spares: 1\n',
      '',
    ),
    says: [
      's.yaml:2:1 fleet: fleet is missing, it means: The hosts that the run needs, add fleet: a section with name, hosts, npusPerHost, spares',
    ],
  },
  {
    name: 'missing field',
    text: edited('    every: 100\n', ''),
    says: [
      's.yaml:64:3 train.checkpoint.every: every is missing, it means: Iterations between two checkpoints, add every: a whole number from 1 up to 100000000',
    ],
  },
  {
    name: 'missing name of the spec',
    text: edited('name: full\n', ''),
    says: [
      's.yaml:2:1 name: name is missing, it means: Name of the pipeline; the run takes it unless --run gives another, add name: text such as shapes-1 (a name has 1 to 40 lower-case letters, digits and inner dashes)',
    ],
  },
  {
    name: 'empty value',
    text: edited('/mnt/shared/temper', ''),
    says: [
      's.yaml:5:1 workspace: nothing stands after the colon, it means: Folder visible on all hosts, for outputs and checkpoints; a relative path is taken from the spec file, write text such as /mnt/shared/temper',
    ],
  },
  {
    name: 'data set without its format',
    text: edited('    format: synthetic\n', ''),
    says: [
      's.yaml:44:5 data.2.format: format is missing, it decides which other keys stand in this section, add format: one of llava, mllm, synthetic',
    ],
  },
  {
    name: 'section instead of a value',
    text: edited('  iterations: 400', '  iterations: { a: 1 }'),
    says: [
      's.yaml:50:15 train.iterations: a section stands here, it means: Optimizer steps in all (--train-iters), write a whole number from 1 up to 100000000',
    ],
  },
  {
    name: 'list instead of a section',
    text: edited('export:\n  dtype: bf16', 'export: [bf16]'),
    says: [
      's.yaml:84:9 export: a list stands here, it means: The model that comes out, write a section with dtype, smoke',
    ],
  },
  {
    name: 'section instead of a list',
    text: edited('accept: []', 'accept: { a: 1 }'),
    says: [
      's.yaml:90:9 accept: a section stands here, it means: Ids of lints that this pipeline accepts on purpose, write a list of at most 100 entries',
    ],
  },
  {
    name: 'duration without unit',
    text: edited('spareWait: 30m', 'spareWait: 30'),
    says: [
      's.yaml:88:14 recovery.spareWait: 30 is a whole number, it means: How long to wait for a host when a lost one has no spare, write text such as 30m (a duration is a number and one of ms, s, m, h, d, up to 9999d)',
    ],
  },
  {
    name: 'duration with an unknown unit',
    text: edited('spareWait: 30m', 'spareWait: 30min'),
    says: [
      's.yaml:88:14 recovery.spareWait: "30min" does not fit, a duration is a number and one of ms, s, m, h, d, up to 9999d, write it like 30m',
    ],
  },
  {
    name: 'share without percent sign',
    text: edited('maxDropped: 0.5%', 'maxDropped: 0.005'),
    says: [
      's.yaml:36:17 data.0.maxDropped: 0.005 is a fraction, it means: Share of rows that may be dropped (missing image, broken row) before the stage fails, write text such as 0.1% (a share is a percentage from 0% to 100%)',
    ],
  },
  {
    name: 'share above 100%',
    text: edited('maxDropped: 0.5%', 'maxDropped: 250%'),
    says: [
      's.yaml:36:17 data.0.maxDropped: "250%" does not fit, a share is a percentage from 0% to 100%, write it like 0.1%',
    ],
  },
  {
    name: 'number below the range',
    text: edited('  hosts: 2', '  hosts: 0'),
    says: [
      's.yaml:9:10 fleet.hosts: 0 is too small, it means: Hosts that train together (torchrun --nnodes), write a whole number from 1 up to 1024',
    ],
  },
  {
    name: 'number above the range',
    text: edited('learningRate: 2.0e-3', 'learningRate: 20'),
    says: [
      's.yaml:53:17 train.learningRate: 20 is too large, it means: Peak learning rate, write a number above 0 up to 1',
    ],
  },
  {
    name: 'number that is not positive',
    text: edited('learningRate: 2.0e-3', 'learningRate: 0'),
    says: [
      's.yaml:53:17 train.learningRate: 0 is too small, it means: Peak learning rate, write a number above 0 up to 1',
    ],
  },
  {
    name: 'fraction where a whole number belongs',
    text: edited('microBatchSize: 16', 'microBatchSize: 1.5'),
    says: [
      's.yaml:51:19 train.microBatchSize: 1.5 is a fraction, it means: Samples per rank and forward pass, write a whole number from 1 up to 4096',
    ],
  },
  {
    name: 'number in quotes',
    text: edited('  iterations: 400', '  iterations: "10_000"'),
    says: [
      's.yaml:50:15 train.iterations: "10_000" is text, it means: Optimizer steps in all (--train-iters), write it without quotes and separators: 10000',
    ],
  },
  {
    name: 'not a number',
    text: edited('weightDecay: 0.1', 'weightDecay: .nan'),
    says: [
      's.yaml:55:16 train.weightDecay: .nan is no finite number, it means: Weight decay of the optimizer, write a number from 0 up to 1',
    ],
  },
  {
    name: 'yes instead of true',
    text: edited('textDecoder: false', 'textDecoder: yes'),
    says: [
      's.yaml:61:18 train.freeze.textDecoder: "yes" is text, it means: Keep the language model, its output layer included, as it is, write true (YAML 1.2 knows only true and false)',
    ],
  },
  {
    name: 'off instead of false',
    text: edited('textDecoder: false', 'textDecoder: off'),
    says: [
      's.yaml:61:18 train.freeze.textDecoder: "off" is text, it means: Keep the language model, its output layer included, as it is, write false (YAML 1.2 knows only true and false)',
    ],
  },
  {
    name: 'name with shell characters',
    text: edited('name: full', 'name: "x; rm -rf /"'),
    says: [
      's.yaml:3:7 name: "x; rm -rf /" does not fit, a name has 1 to 40 lower-case letters, digits and inner dashes, write it like shapes-1',
    ],
  },
  {
    name: 'name that YAML reads as a number',
    text: edited('name: full', 'name: 2024'),
    says: [
      's.yaml:3:7 name: 2024 is a whole number, it means: Name of the pipeline; the run takes it unless --run gives another, put it in quotes: "2024"',
    ],
  },
  {
    name: 'name that is too long',
    text: edited('name: full', `name: ${'a'.repeat(41)}`),
    says: [
      's.yaml:3:7 name: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" does not fit, a name has 1 to 40 lower-case letters, digits and inner dashes, write it like shapes-1',
    ],
  },
  {
    name: 'commit that YAML reads as a number',
    text: edited('      ref: main', '      ref: 1234567'),
    says: [
      's.yaml:17:12 environment.sources.trainer.ref: 1234567 is a whole number, it means: Commit, tag or branch of the checkout; the commit of the recipe when left out, put it in quotes: "1234567"',
    ],
  },
  {
    name: 'choice with a near one',
    text: edited('dtype: bf16', 'dtype: bf61'),
    says: [
      's.yaml:85:10 export.dtype: "bf61" is none of the choices, it means: Number format of the exported weights: bf16 (each tensor as in the original model) or f32 (as trained, twice the size), did you mean bf16?',
    ],
  },
  {
    name: 'choice without any near one',
    text: edited('onUnknown: restart', 'onUnknown: hope'),
    says: [
      's.yaml:89:14 recovery.onUnknown: "hope" is none of the choices, it means: What to do after a failure whose cause is not known, write one of restart, stop',
    ],
  },
  {
    name: 'wrong version of the format',
    text: edited('apiVersion: temper/v1', 'apiVersion: temper/v2'),
    says: [
      's.yaml:2:13 apiVersion: "temper/v2" is none of the choices, it means: Version of this format, did you mean temper/v1?',
    ],
  },
  {
    name: 'unknown data format',
    text: edited('format: synthetic', 'format: parquet'),
    says: [
      's.yaml:45:13 data.2.format: "parquet" is none of the choices, it decides which other keys stand in this section, write one of llava, mllm, synthetic',
    ],
  },
  {
    name: 'no data sets',
    text: edited(FULL.slice(FULL.indexOf('data:'), FULL.indexOf('train:')), 'data: []\n'),
    says: [
      's.yaml:30:7 data: the list has 0 entries, it means: Data sets to train on, in order, write a list of 1 to 64 entries',
    ],
  },
  {
    name: 'path with control characters',
    text: edited('/mnt/data/rows.json', '"/mnt/data/\\trows.json"'),
    says: [
      's.yaml:33:18 data.0.annotations: "/mnt/data/\\trows.json" does not fit, a path cannot hold control characters, write it like /mnt/shared/temper',
    ],
  },
  {
    name: 'path that is empty',
    text: edited('/mnt/data/rows.json', '""'),
    says: [
      's.yaml:33:18 data.0.annotations: the text has 0 characters, it means: JSON file with the rows: a path, hf-dataset:OWNER/NAME[@REVISION]/FILE, modelscope-dataset:OWNER/NAME[@REVISION]/FILE, or an http(s) address, write at least 1 characters',
    ],
  },
  {
    name: 'path that is too long',
    text: edited('/mnt/data/rows.json', `/${'a'.repeat(1024)}`),
    says: [
      's.yaml:33:18 data.0.annotations: the text has 1025 characters, it means: JSON file with the rows: a path, hf-dataset:OWNER/NAME[@REVISION]/FILE, modelscope-dataset:OWNER/NAME[@REVISION]/FILE, or an http(s) address, write at most 1024 characters',
    ],
  },
  {
    name: 'source of an unknown kind',
    text: edited('source: dcp:/mnt/models/dcp', 'source: s3://bucket/model'),
    says: [
      's.yaml:27:11 weights.source: "s3://bucket/model" does not fit, a weights source is seed:N, path:FOLDER, dcp:FOLDER, hf:OWNER/MODEL or modelscope:OWNER/MODEL, write it like path:/mnt/models/base',
    ],
  },
  {
    name: 'variable with an impossible name',
    text: edited('    TRIES: 3', '    "2 TRIES": 3'),
    says: [
      's.yaml:70:5 train.env.2 TRIES: "2 TRIES" is no valid name here, an environment variable has letters, digits and underscores and does not start with a digit, rename it',
    ],
  },
  {
    name: 'variable with a list',
    text: edited('    TRIES: 3', '    TRIES: [1, 2]'),
    says: [
      's.yaml:70:12 train.env.TRIES: a list stands here, it means: Environment variables of the ranks; never secrets, write text or a number or true or false',
    ],
  },
];
