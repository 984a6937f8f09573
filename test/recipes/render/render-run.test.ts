import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { readStoredSpec } from '../../../src/domain/spec/read-spec.js';
import { cpuTiny } from '../../../src/recipes/cpu-tiny/recipe.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import { planFromText } from '../../../src/recipes/plan-from-text.js';
import type { Command, Recipe } from '../../../src/recipes/recipe.js';
import { launchFacts, renderRun, type RenderFacts, type RenderedFile } from '../../../src/recipes/render/render-run.js';
import { quote } from '../../../src/domain/text/shell-quote.js';

const run = promisify(execFile);

/** Says how it was called, in a file of its own for each call. */
const WITNESS = `#!/usr/bin/env node
const { writeFileSync } = require('node:fs');
writeFileSync(process.env.WITNESS + '/' + process.pid + '.json', JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), env: process.env }));
`;
const SaidSchema = z.object({ argv: z.array(z.string()), cwd: z.string(), env: z.record(z.string(), z.string()) });

const AWKWARD = 'a "quoted" $HOME `date` \\ it\'s\n# two lines';

async function site(recipe: Recipe) {
  const dir = await mkdtemp(join(tmpdir(), 'temper-render-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const [python, cann, checkout] = [join(dir, 'python'), join(dir, 'set_env.sh'), join(dir, 'checkout')];
  await writeFile(python, WITNESS, { mode: 0o755 });
  await writeFile(cann, 'export FROM_TOOLKIT=yes\necho chatter\n');
  await mkdir(checkout);
  const environment =
    recipe === glm45v
      ? `{ python: '${python}', cannEnv: '${cann}', checkouts: { mindspeedMm: '${checkout}' } }`
      : `{ python: '${python}' }`;
  const text = recipe.template
    .replace('./workspace', join(dir, 'ws'))
    .replace(/^environment:\n( .*\n)*/m, '')
    .concat(`environment: ${environment}\n`)
    .replace('train:\n', `train:\n  env: { TZ: ${JSON.stringify(AWKWARD)} }\n`);
  const planned = planFromText(text, 'r', []);
  if (planned.plan === null) throw new Error(JSON.stringify(planned.problems));
  const { spec } = readStoredSpec(text);
  if (spec === null) throw new Error('the spec of the test is not valid');
  const hosts = Array.from({ length: spec.fleet.hosts }, (_, rank) => ({
    name: `h${rank}`,
    address: `10.0.0.${rank + 1}`,
    networkInterface: 'eth0',
  }));
  const facts: RenderFacts = {
    hosts,
    tools: { python, node: '/node', temper: '/temper.js', programs: '/programs', cpus: 8, environment: dir },
    scratch: join(dir, 'scratch'),
    known: {},
    isResume: false,
  };
  return { dir, spec, facts, files: renderRun(recipe, spec, planned.plan, facts), plan: planned.plan };
}

/** Runs a script and says how the program at its end was called. */
async function runScript(dir: string, files: readonly RenderedFile[], path: string) {
  const script = join(dir, 'script.sh');
  const witness = await mkdtemp(join(dir, 'witness-'));
  await writeFile(script, files.find((file) => file.path === path)?.content ?? 'exit 9', { mode: 0o755 });
  const shell = { https_proxy: 'http://p:1', NO_PROXY: '*', HF_ENDPOINT: 'http://hub', KEPT_PROXY_NAME: 'kept' };
  await run('bash', [script], { env: { ...shell, PATH: process.env['PATH'], WITNESS: witness } });
  const { stdout } = await run('bash', ['-c', 'cat "$1"/*.json', 'bash', witness]);
  return SaidSchema.parse(JSON.parse(stdout));
}

/** What the script must have started: a command that sources the toolkit becomes the words behind the last mark. */
function expected({ argv }: Command): readonly string[] {
  const last = argv.lastIndexOf('--');
  return argv.slice(last + 2);
}

describe.each([cpuTiny, glm45v])('the scripts of $id', (recipe) => {
  it('start on each host exactly what Temper starts: words, folder, variables, files', async () => {
    const { dir, spec, facts, files, plan } = await site(recipe);
    const trainings = files.filter(({ path }) => path.includes('-train-'));
    expect(trainings).toHaveLength(spec.fleet.hosts);
    const root = join(plan.workspace, 'rendered', 'r');
    for (const [rank, { path, content }] of trainings.entries()) {
      if (rank > 1) break;
      const said = await runScript(dir, files, path);
      const launch = launchFacts({ recipe, spec, facts, inputs: inputsOf(root), out: join(root, 'train') }, rank);
      const command = recipe.training.launch(launch);
      expect(said.argv).toEqual(expected(command));
      expect(said.cwd).toBe(command.cwd);
      const { TZ, ...env } = command.env;
      expect(said.env).toMatchObject(env);
      expect(said.env).toHaveProperty('KEPT_PROXY_NAME');
      for (const name of ['https_proxy', 'NO_PROXY', 'HF_ENDPOINT']) expect(said.env).not.toHaveProperty(name);
      expect([TZ, said.env['TZ']]).toEqual([AWKWARD, AWKWARD]);
      for (const file of recipe.training.files?.(launch) ?? [])
        expect(await readFile(file.path, 'utf8')).toBe(file.content);
      // The reasons are told, those of arguments that are left out too.
      for (const reason of Object.values(recipe.training.reasons?.(launch).arguments ?? {}))
        expect(content).toContain(reason);
    }
  });

  it('come in the order of the stages, with a page that says so', async () => {
    const { files } = await site(recipe);
    const programs = files.filter(({ isProgram }) => isProgram).map(({ path }) => path);
    expect(programs.toSorted()).toEqual(programs);
    expect(programs.map((path) => path.replace(/^\d\d-|\.sh$/g, '').replace(/^train-.*/, 'train'))).toEqual(
      expect.arrayContaining(['environment', 'weights', 'data', 'convert', 'train', 'export', 'verify']),
    );
    const readme = files.at(-1);
    expect(readme).toMatchObject({ path: 'README.md', isProgram: false });
    for (const path of programs) expect(readme?.content).toContain(path);
  });

  it('hand each stage what the one before it left', async () => {
    const { files, plan, spec } = await site(recipe);
    const text = (stage: string): string => files.find(({ path }) => path.endsWith(`${stage}.sh`))?.content ?? '';
    const root = join(plan.workspace, 'rendered', 'r');
    expect(text('train-h0')).toContain(`--load ${join(root, 'convert', 'dcp')}`);
    expect(text('export')).toContain(
      join(root, 'train', 'ckpt', recipe.checkpoint.iterationFolder(spec.train.iterations)),
    );
    const frozen = recipe.training.frozen?.(spec) ?? [];
    const proof = text('export').slice(text('export').indexOf('# prove-export'));
    expect(proof).toMatch(/ export verify\n {4}--deep\n {4}--original /);
    if (recipe === glm45v) expect(proof).toMatch(/--may-be-equal\n {4}--frozen visual\.patch_embed visual\.blocks/);
    for (const name of frozen) expect(proof).toContain(name);
    // A torn checkpoint is noticed before it is read for hours, a model that is not whole at the end.
    expect(text('export')).toMatch(/# prove-trained-checkpoint[^]+ checkpoint verify\n[^]+iter_[^]+# prove-export/);
    if (recipe === glm45v) expect(text('verify')).toContain('# prove-model');
  });

  it('are explained by number: where each runs, and that all of the training run at the same time', async () => {
    const { files } = await site(recipe);
    const lines = files.at(-1)?.content.split('\n') ?? [];
    const train = lines.filter((line) => line.includes('-train-h0.sh'));
    expect(train).toEqual([expect.stringMatching(/-train-h1\.sh`.*: each host .+ all of them at the same time$/)]);
    expect(lines).toContain('- `01-environment.sh`: run it on every host');
    expect(lines).toContainEqual(expect.stringMatching(/^- `\d\d-weights\.sh`: run it on one host$/));
  });

  it('are none when nothing but the environment, which no host has for all time, is left', async () => {
    const { spec, facts, plan } = await site(recipe);
    const done = { dir: '/s', outputs: { checkpoint: '/s/iter_0000001', dcp: '/s/dcp', hf: '/s/hf' }, facts: {} };
    const known = Object.fromEntries(
      plan.stages.flatMap(({ name }) => (name === 'environment' ? [] : [[name, done] as const])),
    );
    expect(renderRun(recipe, spec, plan, { ...facts, known })).toEqual([]);
    const { verify: _, ...most } = known;
    const paths = renderRun(recipe, spec, plan, { ...facts, known: most }).map(({ path }) => path.slice(3));
    expect(paths).toEqual(['environment.sh', 'verify.sh', 'DME.md']);
  });

  it('load what they saved when they continue', async () => {
    const { spec, facts, plan } = await site(recipe);
    const files = renderRun(recipe, spec, plan, { ...facts, isResume: true });
    const content = files.find(({ path }) => path.endsWith('train-h0.sh'))?.content ?? '';
    expect(content).toContain(`--load ${join(plan.workspace, 'rendered', 'r', 'train', 'ckpt')}`);
    expect(content).not.toMatch(/^ {4}--no-load-optim/m);
  });

  it.each([
    ['iter_0000500', '500', true],
    ['release', 'release', false],
  ])(
    'show the checkpoint %s that is named by its own folder, with a tracker file beside it',
    async (folder, tracker, isTrained) => {
      const { dir, spec, facts, plan } = await site(recipe);
      const fromCheckpoint = join(dir, 'other run', folder);
      await mkdir(fromCheckpoint, { recursive: true });
      await writeFile(join(fromCheckpoint, '.metadata'), 'm');
      const train = { ...spec.train, fromCheckpoint };
      const files = renderRun(recipe, { ...spec, train }, plan, facts);
      const path = files.find((file) => file.path.endsWith('train-h1.sh'))?.path ?? '';
      // Twice: a start that failed is repeated.
      await runScript(dir, files, path);
      const { argv } = await runScript(dir, files, path);
      const load = argv[argv.indexOf('--load') + 1] ?? '';
      expect(load).toBe(join(plan.workspace, 'rendered/r/train/h1/load'));
      expect(await readFile(join(load, recipe.checkpoint.layout.trackerFile), 'utf8')).toBe(tracker);
      expect(await readFile(join(load, folder, '.metadata'), 'utf8')).toBe('m');
      expect(argv.includes('--no-load-optim')).toBe(!isTrained);
    },
  );

  it('show the converted weights that the tracker of a named folder means', async () => {
    const { spec, facts, plan } = await site(recipe);
    const from = { ...spec, train: { ...spec.train, fromCheckpoint: '/ckpt' } };
    const files = renderRun(recipe, from, plan, { ...facts, checkpoint: '/ckpt/release' });
    const content = files.find(({ path }) => path.endsWith('train-h0.sh'))?.content ?? '';
    expect(content).toContain('ln -sfn /ckpt/release ');
    expect(content).toMatch(/^ {4}--no-load-optim/m);
  });

  it('take a folder that nobody could look at as it is, for a trained one', async () => {
    const { spec, facts, plan } = await site(recipe);
    const files = renderRun(recipe, { ...spec, train: { ...spec.train, fromCheckpoint: '/ckpt' } }, plan, facts);
    const content = files.find(({ path }) => path.endsWith('train-h0.sh'))?.content ?? '';
    expect(content).toContain('--load /ckpt\n');
    expect(content).toContain('its tracker file must name a trained checkpoint');
  });

  it('use the folders of each host where hosts differ', async () => {
    const { spec, facts, plan } = await site(recipe);
    const hosts = facts.hosts.map((host) => ({
      ...host,
      own: { tools: { ...facts.tools, python: `/${host.name}/python` }, scratch: `/${host.name}/scratch` },
    }));
    const files = renderRun(recipe, spec, plan, { ...facts, hosts });
    const text = (end: string): string => files.find(({ path }) => path.endsWith(end))?.content ?? '';
    for (const name of ['h0', 'h1']) {
      expect(text(`environment-${name}.sh`)).toContain(`/${name}/python`);
      expect(text(`train-${name}.sh`)).toMatch(new RegExp(`/${name}/python -m torch.+/${name}/scratch/rank-logs`, 's'));
    }
    expect(text('README.md')).toContain('/h0/scratch, /h1/scratch');
  });

  it('are sound for the shell', async () => {
    const { dir, files } = await site(recipe);
    for (const { content, isProgram, path } of files) {
      if (!isProgram) continue;
      await writeFile(join(dir, path), content);
      await run('bash', ['-n', join(dir, path)]);
    }
  });

  function inputsOf(root: string) {
    const of = (stage: string, outputs: Readonly<Record<string, string>>) => ({
      dir: join(root, stage),
      outputs,
      facts: {},
    });
    const made = renderedOutputs(root);
    return Object.fromEntries(Object.entries(made).map(([stage, outputs]) => [stage, of(stage, outputs)]));
  }

  function renderedOutputs(root: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
    if (recipe === cpuTiny) {
      return {
        weights: { hf: join(root, 'weights/hf') },
        convert: { dcp: join(root, 'convert/dcp') },
        data: { rows: join(root, 'data/shapes.json'), imageRoot: '/' },
      };
    }
    return {
      convert: { dcp: join(root, 'convert/dcp'), hf: join(root, 'weights/hf') },
      data: { 'rows.0': join(root, 'data/llava.json'), imageRoot: '/' },
    };
  }
});

describe('a word for the shell', () => {
  it.each(['plain', '', AWKWARD, "it's", '$(x)', 'a b', '*', '~', '--flag=a,b', '!x', 'ä'])(
    '%j is read back as it was',
    async (word) => {
      const { stdout } = await run('bash', ['-c', `printf %s ${quote(word)}`]);
      expect(stdout).toBe(word);
    },
  );
});
