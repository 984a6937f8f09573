import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { hashFiles } from '../../../scripts/build/hash-files.js';
import { DATA_CODE_VERSION } from '../../../src/domain/data-code-version.js';
import { RECIPES } from '../../../src/recipes/registry.js';
import { specWith } from '../../recipes/cpu-tiny/specs.js';

/** Code of the converter and the check, as it was when somebody last decided about its version. */
const DECIDED = { version: 3, hash: 'bc124b62b8ca4ecc88e89ef98406609aabf503c9cdd02e85e25de21285cf1336' };

it('is decided on anew whenever the code changes', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const hash = hashFiles(root, ['src/domain/data', 'src/host/data']);
  const advice =
    'raise DATA_CODE_VERSION if the same input can give other rows or another verdict, then note both here';
  expect({ version: DATA_CODE_VERSION, hash }, advice).toEqual(DECIDED);
});

it.each(RECIPES.map((recipe) => [recipe.id, recipe] as const))('is in the keys of %s', (_id, recipe) => {
  const stages = recipe.stages(specWith()).filter(({ name }) => name === 'data' || name === 'check');
  expect(stages.length).toBeGreaterThan(0);
  for (const { parameters } of stages) expect(parameters).toMatchObject({ code: DATA_CODE_VERSION });
});
