import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseRemote, showRemote } from '../../src/domain/remote-source.js';
import { readStoredSpec } from '../../src/domain/spec/read-spec.js';
import {
  fetchAnnotations,
  fetchFacts,
  fetchImages,
  fetchWeights,
  remoteSources,
} from '../../src/recipes/fetch-commands.js';
import { RECIPES } from '../../src/recipes/registry.js';
import type { StageFacts } from '../../src/recipes/recipe.js';
import type { DataSource } from '../../src/schemas/spec-data.js';
import { PipelineSpecSchema } from '../../src/schemas/spec.js';

type Rows = Exclude<DataSource, { format: 'synthetic' }>;

const HEX = 'ab'.repeat(32);

function specText(weights: string, data: string, environment = '{}'): string {
  return `
apiVersion: temper/v1
name: t
recipe: cpu-tiny
workspace: /w
fleet: { hosts: 1, npusPerHost: 1 }
environment: ${environment}
weights: ${weights}
data: [${data}]
train: { iterations: 4, microBatchSize: 1, learningRate: 1.0e-3, checkpoint: { every: 2 } }
`;
}

function factsOf(weights: string, data: string, environment?: string): StageFacts {
  const tools = { python: '/py', node: '/node', temper: '/temper.js', programs: '/p', cpus: 2 };
  return {
    spec: PipelineSpecSchema.parse(parse(specText(weights, data, environment))),
    tools,
    out: '/w/store/out',
    inputs: {},
  };
}

function setOf(facts: StageFacts): Rows {
  const [set] = facts.spec.data;
  if (set === undefined || set.format === 'synthetic') throw new Error('the test has no rows');
  return set;
}

const LOCAL = '{ name: d, format: llava, annotations: /d/rows.json, images: { path: /d/images } }';
const CACHE = ['--cache', '/w/downloads', '--manifest'];

describe('weights', () => {
  it('of a hub are one verified command with the token of that hub, and no other', () => {
    const made = fetchWeights(factsOf('{ source: "hf:own/tiny", revision: v1 }', LOCAL));
    expect(made).toEqual({
      commands: [
        {
          step: 'fetch-weights',
          argv: [
            '/node',
            '/temper.js',
            'fetch',
            'hf:own/tiny@v1',
            '--model',
            '--output',
            '/w/store/out/hf',
            ...CACHE,
            '/w/store/out/hf.origin.json',
          ],
          cwd: '/w/store/out',
          env: {},
          secretEnv: ['HF_TOKEN'],
        },
      ],
      path: '/w/store/out/hf',
      manifests: ['hf.origin.json'],
    });
  });

  it('of ModelScope are asked for under the id that they have there', () => {
    const made = fetchWeights(factsOf('{ source: "modelscope:own/tiny" }', LOCAL), { 'own/tiny': 'other/tiny' });
    expect(made?.commands[0]?.argv[3]).toBe('modelscope:other/tiny');
    expect(made?.commands[0]?.secretEnv).toEqual(['MODELSCOPE_API_TOKEN']);
  });

  it.each(['seed:1', 'path:/m'])('%s are not fetched', (source) => {
    expect(fetchWeights(factsOf(`{ source: "${source}" }`, LOCAL))).toBeNull();
  });
});

describe('data', () => {
  it('on the hosts stays where it is', () => {
    const facts = factsOf('{ source: "seed:1" }', LOCAL);
    expect(fetchAnnotations(facts, setOf(facts))).toEqual({ commands: [], path: '/d/rows.json', manifests: [] });
    expect(fetchImages(facts, setOf(facts))).toEqual({ commands: [], path: '/d/images', manifests: [] });
  });

  it('from a hub and an archive behind an address is fetched, unpacked, and compared with the hashes of the spec', () => {
    const data = `{ name: d, format: llava, annotations: "hf-dataset:own/set/rows.json", annotationsSha256: ${HEX}, images: { zip: "http://h/a.zip", zipSha256: ${HEX} } }`;
    const facts = factsOf('{ source: "seed:1" }', data, '{ offline: true }');
    const rows = fetchAnnotations(facts, setOf(facts));
    expect(rows.path).toBe('/w/store/out/d.rows.json');
    expect(rows.commands[0]?.argv).toEqual(
      expect.arrayContaining(['hf-dataset:own/set/rows.json', '--file', '--sha256', HEX, '--offline']),
    );
    const images = fetchImages(facts, setOf(facts));
    expect(images?.commands.map(({ step }) => step)).toEqual(['fetch-zip-d', 'unzip-d']);
    expect(images?.commands[0]?.secretEnv).toBeUndefined();
    expect(images?.commands[1]?.argv.slice(2)).toEqual([
      'unzip',
      '/w/store/out/d.zip',
      '--output',
      '/w/store/out/d.images',
      '--remove-zip',
    ]);
    expect(images?.manifests).toEqual(['d.zip.origin.json']);
  });

  it('in an archive on the hosts is unpacked, and the archive stays', () => {
    const facts = factsOf(
      '{ source: "seed:1" }',
      `{ name: d, format: mllm, annotations: /r, images: { zip: /a.zip, zipSha256: ${HEX} } }`,
    );
    expect(fetchImages(facts, setOf(facts))?.commands.map(({ argv }) => argv.slice(2))).toEqual([
      ['unzip', '/a.zip', '--output', '/w/store/out/d.images', '--sha256', HEX],
    ]);
  });

  it('in a folder of a hub is fetched as it is; without images nothing is', () => {
    const facts = factsOf(
      '{ source: "seed:1" }',
      '{ name: d, format: mllm, annotations: /r, images: { hub: "hf-dataset:own/set/i" } }',
    );
    expect(fetchImages(facts, setOf(facts))).toMatchObject({
      path: '/w/store/out/d.images',
      manifests: ['d.images.origin.json'],
    });
    const bare = factsOf('{ source: "seed:1" }', '{ name: d, format: mllm, annotations: /r }');
    expect(fetchImages(bare, setOf(bare))).toBeNull();
  });
});

it('facts are made of manifests, and a form that is unknown is a problem', () => {
  const file = { path: 'a', bytes: 5, sha256: HEX, proof: 'sha256', etag: null };
  const manifest = {
    v: 1,
    source: 'hf:a/b',
    endpoint: 'https://h',
    commit: 'c',
    files: [file, { ...file, path: 'b' }],
    bytes: 10,
  };
  expect(fetchFacts([manifest])).toEqual({ facts: { files: 2, bytes: 10, commits: 'hf:a/b c' }, problems: [] });
  const unpinned = { ...manifest, source: 'modelscope:a/b', commit: null };
  expect(fetchFacts([unpinned]).facts['commits']).toBe('modelscope:a/b (the hub tells no commit)');
  expect(fetchFacts([{ ...unpinned, source: 'https://a.example/z.zip' }]).facts).not.toHaveProperty('commits');
  expect(fetchFacts([{}]).problems).toHaveLength(1);
});

it('a branch that was named is told with the commit that it is now', () => {
  const commit = 'ab'.repeat(20);
  const warningsOf = (source: string) =>
    Object.entries(fetchFacts([{ v: 1, source, endpoint: 'https://hub', commit, files: [], bytes: 0 }]).facts)
      .filter(([name]) => name.startsWith('warning'))
      .map(([, text]) => text);
  expect(warningsOf('hf:a/b@main')).toEqual([
    expect.stringMatching(/^hf:a\/b@main: main may move, it is (ab){20} now/),
  ]);
  expect(warningsOf('hf-dataset:a/b@master/x/y.json')).toEqual([expect.stringContaining('master may move')]);
  expect(warningsOf(`hf:a/b@${commit}`)).toEqual([]);
  expect(warningsOf('hf-dataset:a/b/x@y.json')).toEqual([]);
  expect(warningsOf('https://user@host/a@b')).toEqual([]);
});

it('recipes that fetch nothing refuse remote data by name, once for each', () => {
  const data = '{ name: d, format: llava, annotations: "https://h/r.json", images: { zip: /a.zip } }';
  const text = specText('{ source: "seed:1" }', data);
  const { problems } = readStoredSpec(text, { recipes: RECIPES });
  expect(problems.map(({ id, path }) => [id, path])).toEqual([
    ['data/source-unsupported', 'data.0.annotations'],
    ['data/source-unsupported', 'data.0.images.zip'],
  ]);
  expect(remoteSources(factsOf('{ source: "hf:a/b" }', data).spec).map(({ source }) => source)).toEqual([
    'hf:a/b',
    'https://h/r.json',
  ]);
});

describe('remote sources', () => {
  it.each([
    'hf:a/b',
    'modelscope:a/b@v1',
    'hf-dataset:a/b@main/x/y z.json',
    'modelscope-dataset:a/b/c',
    'https://h/a?b=c',
  ])('%s are read and written back', (text) => {
    const read = parseRemote(text);
    expect(typeof read === 'string' ? read : showRemote(read)).toBe(text);
  });

  it.each([
    ['hf:a', 'form'],
    ['hf:../b', '.. part'],
    ['hf-dataset:a/b/../c', '.. part'],
    ['hf-dataset:a/b', 'form'],
    ['ftp://h/a', 'does not speak'],
    ['https://u:p@h/a', 'user name'],
    ['https://h/a?access_token=x', 'access_token'],
    ['https://h/a#b', '#'],
    ['https://', 'no address'],
  ])('%s are none', (text, why) => {
    expect(parseRemote(text)).toEqual(expect.stringContaining(why));
  });
});
