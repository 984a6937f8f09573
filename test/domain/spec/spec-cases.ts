import { readFileSync } from 'node:fs';
import { formatSpecProblem } from '../../../src/domain/spec/finding.js';
import type { LintingRecipe } from '../../../src/domain/spec/recipe-lints.js';
import { readSpec } from '../../../src/domain/spec/read-spec.js';
import type { ReadSpec } from '../../../src/domain/spec/read-spec.js';

/** A valid spec with every field. */
export const FULL = readFileSync(new URL('../../fixtures/specs/full.yaml', import.meta.url), 'utf8');

/** A recipe with one lint of each kind, switched on by seeds. */
export const RECIPE: LintingRecipe = {
  id: 'test-recipe',
  lint: ({ train }) => [
    ...(train.seed === 1 ? [lint('train/unlucky-seed', 'error', true)] : []),
    ...(train.seed === 2 ? [lint('train/odd-seed', 'warning', true)] : []),
    ...(train.seed === 3 ? [lint('train/forbidden-seed', 'error', false)] : []),
  ],
};

function lint(
  id: string,
  severity: 'error' | 'warning',
  acceptable: boolean,
): ReturnType<LintingRecipe['lint']>[number] {
  return {
    id,
    severity,
    acceptable,
    path: ['train', 'seed'],
    what: 'the seed is special',
    why: 'tests need it',
    fix: 'use 42',
  };
}

/** Reads a text as `s.yaml` in `/base`. */
export function read(text: string): ReadSpec {
  return readSpec(text, { file: 's.yaml', baseDir: '/base', recipes: [RECIPE] });
}

/** The full spec with one text replaced by another; a text that is not there is a mistake of the test. */
export function edited(from: string, to: string): string {
  if (FULL.split(from).length !== 2)
    throw new Error(`${JSON.stringify(from)} stands ${FULL.split(from).length - 1} times in full.yaml`);
  return FULL.replace(from, () => to);
}

/** Problems as `temper validate` prints them. */
export function linesOf(text: string): string[] {
  return read(text).problems.map(formatSpecProblem);
}
