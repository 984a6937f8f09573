import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specJsonSchema } from '../../src/domain/spec/json-schema.js';
import { readSpec, readStoredSpec } from '../../src/domain/spec/read-spec.js';
import { errorsPage } from '../../src/cli/render/errors-page.js';
import { RECIPES } from '../../src/recipes/registry.js';
import { SpecReportSchema } from '../../src/schemas/spec-problem.js';
import { temper } from './support.js';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-cli-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(dir, name), content);
  return name;
}

const root = new URL('../../', import.meta.url);

describe('files made from the code', () => {
  it.each([
    ['pipeline.schema.json', ['schema']],
    ['docs/errors.md', ['errors', '--markdown']],
  ])('%s is what temper %j prints', async (name, argv) => {
    const { status, stdout } = await temper(argv);
    expect(status).toBe(0);
    expect(stdout).toBe(await readFile(new URL(name, root), 'utf8'));
  });

  it('examples/tiny.yaml is a valid spec without a warning', async () => {
    const text = await readFile(new URL('examples/tiny.yaml', root), 'utf8');
    expect(readSpec(text, { file: 'tiny.yaml', baseDir: '/examples', recipes: RECIPES }).problems).toEqual([]);
  });

  it('the template of each recipe is a valid spec without a warning', () => {
    for (const recipe of RECIPES) {
      const { spec, problems } = readStoredSpec(recipe.template, { file: recipe.id, recipes: RECIPES });
      expect(problems).toEqual([]);
      expect(spec?.recipe).toBe(recipe.id);
    }
  });
});

describe('what a spec accepts', () => {
  const ID = 'train/weights-only-warmup';
  it.each([
    ['validate', 'stdout'],
    ['plan', 'stdout'],
    ['render', 'stderr'],
  ] as const)('is told by its id alone: temper %s', async (command, stream) => {
    const text = `apiVersion: temper/v1
name: accepting
recipe: cpu-tiny
workspace: ./ws
fleet: { hosts: 1, npusPerHost: 2 }
weights: { source: 'seed:1' }
data: [{ name: made, format: synthetic, rows: 1600 }]
train: { iterations: 40, learningRate: 0.001, checkpoint: { every: 10, fidelity: weights-only } }
accept: [${ID}]
`;
    const name = await file(`${command}.yaml`, text);
    const flags = { validate: [], plan: ['--offline'], render: ['--output', join(dir, 'rendered')] }[command];
    const ran = await temper([command, name, ...flags], { cwd: dir });
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran[stream]).toContain(`accepted: ${ID}\n`);
    const all = ran.stdout + ran.stderr;
    expect(all.split(ID)).toHaveLength(2);
    expect(all).not.toContain('warning');
    expect(all).not.toContain('(accepted)');
  });
});

describe('temper schema and errors', () => {
  it('print JSON', async () => {
    const printed = JSON.parse((await temper(['schema', '-o', 'json'])).stdout);
    // Beside the schema itself, what recipes say about variables of the ranks.
    expect(Object.keys(printed.properties.train.properties.env.properties)).toContain('TASK_QUEUE_ENABLE');
    delete printed.properties.train.properties.env.properties;
    expect(printed).toEqual(specJsonSchema());
    const { errors } = JSON.parse((await temper(['errors', '-o', 'json'])).stdout);
    expect(errors).toContainEqual({ code: 'SpecInvalid', exit: 2, retryable: false, fix: expect.any(String) });
    expect(errorsPage()).toContain('| `SpecInvalid` | 2 | no |');
  });
});

describe('temper init', () => {
  it('lists the recipes', async () => {
    expect(
      JSON.parse((await temper(['init', '-o', 'json'])).stdout).recipes.map(({ id }: { id: string }) => id),
    ).toEqual(RECIPES.map(({ id }) => id));
    expect((await temper(['init'])).stdout).toContain('cpu-tiny');
  });

  it('prints a spec that validates, and writes it once', async () => {
    const { stdout } = await temper(['init', '--recipe', 'cpu-tiny']);
    await file('made.yaml', stdout);
    expect(await temper(['validate', 'made.yaml'], { cwd: dir })).toMatchObject({
      status: 0,
      stdout: 'made.yaml: valid\n',
      stderr: '',
    });
    expect(await temper(['init', '--recipe', 'cpu-tiny', '--output', 'new.yaml'], { cwd: dir })).toMatchObject({
      status: 0,
    });
    expect(await readFile(join(dir, 'new.yaml'), 'utf8')).toBe(stdout);
    const again = await temper(['init', '--recipe', 'cpu-tiny', '--output', 'new.yaml'], { cwd: dir });
    expect(again).toMatchObject({ status: 2, stdout: '' });
    expect(again.stderr).toContain('the file cannot be written');
  });

  it('suggests a recipe', async () => {
    const { status, stderr } = await temper(['init', '--recipe', 'cpu-tinny']);
    expect(status).toBe(2);
    expect(stderr).toContain('error[RecipeUnknown]');
    expect(stderr).toContain('did you mean cpu-tiny?');
  });
});

describe('temper validate', () => {
  it('prints all problems as lines, exit 2, nothing on stderr', async () => {
    const name = await file('bad.yaml', 'apiVersion: temper/v1\nname: Bad Name\nrecipe: cpu-tiny\nextra: 1\n');
    const { status, stdout, stderr } = await temper(['validate', name], { cwd: dir });
    expect(status).toBe(2);
    expect(stderr).toBe('');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toContain(
      'bad.yaml:2:7 name: "Bad Name" does not fit, a name has 1 to 40 lower-case letters, digits and inner dashes, write it like shapes-1',
    );
    expect(lines.slice(0, -1).every((line) => /^bad\.yaml:\d+:\d+/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe(`bad.yaml: ${lines.length - 1} errors`);
  });

  it('prints one versioned JSON document', async () => {
    const name = await file('bad2.yaml', 'name: 1\n');
    const { status, stdout } = await temper(['validate', name, '-o', 'json'], { cwd: dir });
    expect(status).toBe(2);
    const report = SpecReportSchema.parse(JSON.parse(stdout));
    expect(report).toMatchObject({ v: 1, file: 'bad2.yaml', ok: false });
    expect(report.problems.length).toBeGreaterThan(3);
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffname: x', 'utf16le'), '1: the file is UTF-16'],
    ['bytes', new Uint8Array([0x6e, 0xff, 0xfe, 0x80]), '2: the file holds bytes that are not UTF-8'],
    ['a NUL', 'name: a\u0000', '8: a NUL character stands at offset 7'],
    ['a data set', 'x'.repeat(70_000), '1: the file has more than 65536 bytes'],
  ])('refuses %s', async (_name, content, what) => {
    const name = await file('odd.yaml', content);
    const { status, stdout } = await temper(['validate', name], { cwd: dir });
    expect(status).toBe(2);
    expect(stdout).toContain(`odd.yaml:1:${what}`);
  });

  it('names a file that is not there', async () => {
    const { status, stdout, stderr } = await temper(['validate', 'none.yaml'], { cwd: dir });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/error\[SpecUnreadable\]: the file cannot be read\n {2}at none\.yaml\n {2}why: ENOENT/);
  });
});

describe('temper plan --offline', () => {
  it('plans without any server', async () => {
    await file('tiny.yaml', await readFile(new URL('examples/tiny.yaml', root), 'utf8'));
    const { status, stdout } = await temper(['plan', 'tiny.yaml', '--offline', '-o', 'json'], { cwd: dir });
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ v: 1, run: 'tiny', host: null, problems: [] });
    expect(report.stages.map(({ name }: { name: string }) => name)).toEqual([
      'environment',
      'weights',
      'data',
      'convert',
      'train',
      'export',
      'verify',
    ]);
    expect((await temper(['plan', 'tiny.yaml', '--offline'], { cwd: dir })).stdout).toContain('2 hosts together');
  });

  it('shows problems of the spec as frames with the line, on stderr', async () => {
    const text = (await readFile(new URL('examples/tiny.yaml', root), 'utf8')).replace(
      /iterations: \d+/,
      'iterations: many',
    );
    await file('broken.yaml', text);
    const { status, stdout, stderr } = await temper(['plan', 'broken.yaml', '--offline'], { cwd: dir });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /error\[SpecInvalid\]: "many" is text\n {2}at broken\.yaml:\d+:15 train\.iterations\n {2}\d+ \| {3}iterations: many\n {2} +\| {15}\^\n {2}why: /,
    );
  });
});
