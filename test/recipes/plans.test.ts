import { describe, expect, it } from 'vitest';
import { cpuTiny } from '../../src/recipes/cpu-tiny/recipe.js';
import { offlineReport } from '../../src/recipes/offline-report.js';
import { planFromText } from '../../src/recipes/plan-from-text.js';
import { findRecipe, RECIPES } from '../../src/recipes/registry.js';
import { PlanReportSchema } from '../../src/schemas/host-call.js';

const TEXT = cpuTiny.template.replace('./workspace', '/ws');

function planned(text = TEXT, run: string | null = 'r') {
  const result = planFromText(text, run, []);
  if (result.plan === null) throw new Error(JSON.stringify(result.problems));
  return result;
}

describe('every recipe', () => {
  it.each(RECIPES)('$id plans its own template without problems', (recipe) => {
    expect(findRecipe(recipe.id)).toBe(recipe);
    const { plan, problems } = planFromText(recipe.template.replace('./workspace', '/ws'), 'r', []);
    expect(problems).toEqual([]);
    expect(plan).toMatchObject({ run: 'r', recipe: { id: recipe.id, version: recipe.version }, warnings: [] });
  });

  it('is found by its exact id only', () => {
    expect(findRecipe('cpu')).toBeNull();
  });
});

describe('a plan from text', () => {
  it('has the name of the spec when the run has no other, however it is written', () => {
    expect(planned(TEXT, null).plan.run).toBe('tiny');
    expect(planned(TEXT.replace('name: tiny', "'name' : tiny-2"), null).plan.run).toBe('tiny-2');
    expect(planned(TEXT, 'other').plan.run).toBe('other');
  });

  it('holds corrections, in the text too', () => {
    const result = planFromText(TEXT, 'r', [{ path: 'train.learningRate', value: '1e-4' }]);
    expect(result.plan?.specDigest).not.toBe(planned().plan.specDigest);
    expect(result).toMatchObject({ specText: expect.stringContaining('learningRate: 1e-4') });
  });

  it.each([
    ['an unknown recipe', TEXT.replace('cpu-tiny', 'other'), []],
    ['a field that is not there', TEXT, [{ path: 'train.learningrate', value: '1' }]],
    ['a value that does not fit', TEXT, [{ path: 'train.iterations', value: 'many' }]],
    ['a lint that is an error', TEXT.replace('seed:1', 'hf:a/b'), []],
    ['no YAML', '{', []],
  ])('is refused with problems for %s', (_what, text, sets) => {
    const result = planFromText(text, 'r', sets);
    expect(result.plan).toBeNull();
    expect(result.problems[0]).toMatchObject({
      code: 'SpecInvalid',
      where: expect.stringMatching(/\S/),
      what: expect.stringMatching(/\S/),
      fix: expect.stringMatching(/\S/),
    });
  });

  it('tells lints that are only warnings', () => {
    expect(planned(TEXT.replace('every: 80', 'every: 239')).plan.warnings).toMatchObject([
      { what: expect.stringContaining('leaves one') },
    ]);
  });
});

describe('a report without a host', () => {
  it.each(RECIPES)('of $id names the commands of every stage of its template', (recipe) => {
    const { plan, specText } = planned(recipe.template.replace('./workspace', '/ws'));
    const report = PlanReportSchema.parse(offlineReport(plan, specText));
    expect(report.stages.map(({ name }) => name)).toEqual(plan.stages.map(({ name }) => name));
    expect(report.stages.filter(({ name, commands }) => name === 'train' && commands.length === 0)).toEqual([]);
  });

  it('names each stage with its commands; what does not exist yet has a name that says so', () => {
    const { plan, specText } = planned();
    const report = PlanReportSchema.parse(offlineReport(plan, specText));
    expect(report).toMatchObject({ run: 'r', recipe: 'cpu-tiny', workspace: '/ws', host: null, problems: [] });
    expect(report.stages.map(({ name, hosts, commands }) => [name, hosts, commands.length])).toEqual([
      ['environment', 2, 1],
      ['weights', 1, 1],
      ['data', 1, 4],
      ['convert', 1, 1],
      ['train', 2, 2],
      ['export', 1, 1],
      ['verify', 1, 2],
    ]);
    expect(report.stages.every(({ key, willReuse }) => key === null && !willReuse)).toBe(true);
    expect(report.stages[3]?.commands[0]).toEqual([
      '<python>',
      '<programs>/convert.py',
      'hf-to-dcp',
      '--hf-dir',
      '<weights>/hf',
      '--save-dir',
      '<convert>/dcp',
    ]);
    const [first, second] = report.stages[4]?.commands ?? [];
    expect([first, second].map((argv) => argv?.[(argv?.indexOf('--node_rank') ?? 0) + 1])).toEqual(['0', '1']);
    expect(first).toEqual(expect.arrayContaining(['<data>/rows', '<attempt>/load', '<address of node 0>']));
  });

  it('is none for a recipe or a spec that this version cannot read', () => {
    const { plan, specText } = planned();
    expect(offlineReport({ ...plan, recipe: { id: 'of-later', version: 1 } }, specText)).toBeNull();
    expect(offlineReport(plan, 'nonsense: true')).toBeNull();
  });
});
