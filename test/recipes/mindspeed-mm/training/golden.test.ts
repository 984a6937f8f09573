import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  launcherArguments,
  toWords,
  trainingArguments,
} from '../../../../src/recipes/mindspeed-mm/training/arguments.js';
import { dataFile } from '../../../../src/recipes/mindspeed-mm/training/data-file.js';
import { trainingEnvironment } from '../../../../src/recipes/mindspeed-mm/training/environment.js';
import { revisionOf } from '../../../../src/recipes/mindspeed-mm/revisions.js';
import { launchReasons, trainingLaunch } from '../../../../src/recipes/mindspeed-mm/training/launch.js';
import { modelFile } from '../../../../src/recipes/mindspeed-mm/training/model-file.js';
import { shardingFile } from '../../../../src/recipes/mindspeed-mm/training/sharding-file.js';
import { guideFacts, guideSpec } from './support.js';

const ExampleSchema = z.object({
  commit: z.string(),
  data: z.unknown(),
  model: z.unknown(),
  sharding: z.unknown(),
  launch: z.object({
    entry: z.string(),
    cannEnv: z.string(),
    trailing: z.array(z.string()),
    variables: z.record(z.string(), z.string()),
    environment: z.record(z.string(), z.string()),
    arguments: z.record(z.string(), z.array(z.string())),
  }),
});
type Example = z.infer<typeof ExampleSchema>;

const FIXTURES = new URL('../../../fixtures/mindspeed-mm/upstream-config/', import.meta.url);

/** What is meant to differ from the example, with the reason; everything else is equal. */
const PATHS = {
  'dataset_param.preprocess_parameters.model_name_or_path': 'a whole path: nothing depends on where a file lies',
  'dataset_param.basic_parameters.dataset_dir': "the folder that the rows' image names are relative to, as converted",
  'dataset_param.basic_parameters.dataset': 'the rows that were checked',
  'dataset_param.basic_parameters.cache_dir': "on the host's own disk, as the guide demands for several hosts",
} as const;

const ARGUMENTS: Readonly<Record<string, string>> = {
  '--load': 'the load view of the attempt',
  '--save': 'no two attempts write into one folder',
  '--save-interval': 'the example saves once, at its end (trap T1)',
  '--exit-on-missing-checkpoint': 'without it a missing checkpoint trains from random weights',
  '--no-save-optim': 'fidelity full: a resume goes on with the optimizer (trap T2)',
  '--no-save-rng': 'fidelity full: a resume goes on with the random state (trap T2)',
  '--distributed-timeout-minutes': 'the default of 10 minutes ends the tokenizing of a real data set (late failure 9)',
  '--tensorboard-dir': 'curves',
  '--fsdp2-config-path': 'made by Temper, in the folder of host and attempt',
  '--mm-data': 'made by Temper, in the folder of host and attempt',
  '--mm-model': 'made by Temper, in the folder of host and attempt',
  '--nnodes': 'the example of the guide-era is for one host',
  '--node_rank': 'each host has its own',
  '--master_addr': 'the address of rank 0, never localhost',
  '--redirects': 'a log for each rank',
  '--log-dir': 'a log for each rank',
};

/** Variables that the launch adds; none of the example's has another value. */
const ADDED_VARIABLES: Readonly<Record<string, string>> = {
  ASCEND_CACHE_PATH: 'compiled operators, on the disk of the host',
  ASCEND_PROCESS_LOG_PATH: 'logs of CANN for each attempt',
  ASCEND_WORK_PATH: 'work of CANN, on the disk of the host',
  GLOO_SOCKET_IFNAME: 'the example has it as a comment: several hosts need it',
  HCCL_SOCKET_IFNAME: 'the example has it as a comment: several hosts need it',
  HF_DATASETS_CACHE: 'prepared rows, on the disk of the host',
  HF_DATASETS_OFFLINE: 'nothing is asked of a hub',
  HF_HOME: 'caches, on the disk of the host',
  HF_HUB_OFFLINE: 'nothing is asked of a hub',
  NPUS_PER_NODE: "in the guide's table; the example has it as a variable of the script",
  PYTHONUNBUFFERED: 'a line is in its log when it was printed',
  TORCH_EXTENSIONS_DIR: 'compiled extensions, on the disk of the host',
  TRANSFORMERS_OFFLINE: 'nothing is asked of a hub',
  TRITON_CACHE_DIR: 'compiled kernels, on the disk of the host',
};

/** Fields of the model file that are meant to differ, by revision. */
const MODEL_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pinned: { init_from_hf_path: 'a whole path, the folder that was converted' },
  'guide-era': {
    init_from_hf_path: 'a whole path, the folder that was converted',
    'text_decoder.use_npu_fused_moe': 'the example of that time had it off; the guide says that it is on',
  },
};

describe.each([
  { era: 'pinned', addedArguments: [] },
  { era: 'guide-era', addedArguments: ['--nnodes'] },
])('the default spec against the example, $era', ({ era, addedArguments }) => {
  const example = readExample(era);
  const facts = guideFacts(guideSpec({ environment: { sources: { mindspeedMm: { ref: example.commit } } } }));

  it('has the data file of the example but for its paths', () => {
    expect(differences(example.data, dataFile(facts))).toEqual(Object.keys(PATHS).toSorted());
  });

  it('has the model file of the example but for what is meant to differ', () => {
    expect(differences(example.model, modelFile(facts))).toEqual(Object.keys(MODEL_FIELDS[era] ?? {}).toSorted());
  });

  it('has the sharding file of the example, value for value', () => {
    expect(parse(shardingFile())).toEqual(example.sharding);
  });

  it('has the arguments of the example, in its order, but for those that are meant to differ', () => {
    const theirs = toMap(theirWords(example));
    const ours = toMap([...toWords(launcherArguments(facts)), ...toWords(trainingArguments(facts))]);
    const differing = [...new Set([...theirs.keys(), ...ours.keys()])].filter(
      (flag) => !sameValue(theirs.get(flag), ours.get(flag)),
    );
    const expected = Object.keys(ARGUMENTS).filter(
      (flag) => flag !== '--nnodes' || addedArguments.includes('--nnodes'),
    );
    expect(differing.toSorted()).toEqual(expected.toSorted());
    const shared = [...theirs.keys()].filter((flag) => ours.has(flag));
    expect([...ours.keys()].filter((flag) => theirs.has(flag))).toEqual(shared);
    expect(trainingLaunch(facts, '/python').argv).toContain(example.launch.entry);
  });

  it('has every variable of the example with its value, and adds only what it must', () => {
    const ours = new Map(trainingEnvironment(facts).map(({ name, value }) => [name, value]));
    for (const [name, value] of Object.entries(example.launch.environment))
      expect([name, ours.get(name)]).toEqual([name, value]);
    const added = [...ours.keys()].filter((name) => !(name in example.launch.environment));
    expect(added.toSorted()).toEqual(Object.keys(ADDED_VARIABLES));
  });

  it('says of each argument and variable why it is what it is', () => {
    const { arguments: flags, env } = launchReasons(facts);
    const named = toMap([...toWords(launcherArguments(facts)), ...toWords(trainingArguments(facts))]).keys();
    expect([...named].filter((flag) => (flags[flag] ?? '') === '')).toEqual([]);
    expect(trainingEnvironment(facts).filter(({ name }) => (env[name] ?? '') === '')).toEqual([]);
  });

  it("knows which set_env.sh the example sources; the host's own is looked for", () => {
    expect(revisionOf(example.commit).exampleSetEnv).toBe(example.launch.cannEnv);
  });
});

describe('the two revisions', () => {
  it('say how the loss is averaged in one place only, each in its own', () => {
    const launched = ['pinned', 'guide-era'].map((era) => {
      const facts = guideFacts(
        guideSpec({ environment: { sources: { mindspeedMm: { ref: readExample(era).commit } } } }),
      );
      return [
        JSON.stringify(modelFile(facts)).includes('"loss_type":"per_token_loss"'),
        toWords(trainingArguments(facts)).includes('--calculate-per-token-loss'),
      ];
    });
    expect(launched).toEqual([
      [true, false],
      [false, true],
    ]);
  });
});

function readExample(era: string): Example {
  return ExampleSchema.parse(JSON.parse(readFileSync(new URL(`${era}.json`, FIXTURES), 'utf8')));
}

/** The words that the launch script of the example would make, its variables filled in. */
function theirWords({ launch }: Example): string[] {
  const computed: Record<string, string> = { ...launch.variables };
  const world = Number(computed['NPUS_PER_NODE']) * Number(computed['NNODES']);
  // The default spec trains on the guide's 8 hosts, where one era's example has 1; the batch follows the world.
  const hosts = 8;
  Object.assign(computed, { WORLD_SIZE: String(world), GBS: String(Number(computed['NPUS_PER_NODE']) * hosts) });
  return [...Object.values(launch.arguments).flat(), ...launch.trailing].map((word) =>
    word.replaceAll(/\$\{?(\w+)\}?/g, (_all, name: string) => computed[name] ?? ''),
  );
}

function toMap(words: readonly string[]): Map<string, string | null> {
  const map = new Map<string, string | null>();
  for (const [index, word] of words.entries()) {
    if (!word.startsWith('--')) continue;
    const next = words[index + 1];
    map.set(word, next === undefined || next.startsWith('--') ? null : next);
  }
  return map;
}

/** 1.0e-5 and 0.00001 are one value. */
function sameValue(left: string | null | undefined, right: string | null | undefined): boolean {
  if (left === right) return true;
  return left !== null && right !== null && left !== undefined && right !== undefined && Number(left) === Number(right);
}

/** Dotted paths at which two JSON values differ. */
function differences(left: unknown, right: unknown, at = ''): string[] {
  if (isObject(left) && isObject(right)) {
    return [...new Set([...Object.keys(left), ...Object.keys(right)])]
      .flatMap((key) => differences(left[key], right[key], at === '' ? key : `${at}.${key}`))
      .toSorted();
  }
  return JSON.stringify(left) === JSON.stringify(right) ? [] : [at];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
