import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorText } from '../../domain/text/error-text.js';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { suggest } from '../../domain/spec/suggest.js';
import { RECIPES, findRecipe } from '../../recipes/registry.js';
import type { Recipe } from '../../recipes/recipe.js';
import type { CommandContext } from '../context.js';
import { table } from '../render/table.js';

/** `temper init`: lists the recipes, or gives the commented spec of one, to stdout or into a new file. */
export async function init(
  context: CommandContext,
  { recipe: id, output: file }: { readonly recipe?: string; readonly output?: string },
): Promise<ExitStatus> {
  const { output, io } = context;
  if (id === undefined) {
    const recipes = RECIPES.map(({ id: name, version, summary }) => ({ id: name, version, summary }));
    const text = (): string =>
      `${table(
        ['RECIPE', 'WHAT'],
        recipes.map((one) => [one.id, one.summary]),
      )}\n\ntemper init --recipe RECIPE prints its spec`;
    output.result({ v: 1, recipes }, text);
    return EXIT.ok;
  }
  const { template } = known(id);
  if (file === undefined) {
    output.result({ v: 1, recipe: id, spec: template }, () => template);
    return EXIT.ok;
  }
  await writeNew(resolve(io.cwd, file), file, template);
  output.result(
    { v: 1, recipe: id, file },
    () => `wrote ${file}; temper validate ${file} checks it, temper start ${file} --watch runs it`,
  );
  return EXIT.ok;
}

function known(id: string): Recipe {
  const recipe = findRecipe(id);
  if (recipe !== null) return recipe;
  const ids = RECIPES.map((one) => one.id);
  const near = suggest(id, ids);
  throw new TemperError('RecipeUnknown', {
    what: `there is no recipe ${JSON.stringify(id)}`,
    why: near === null ? `known are ${ids.join(', ')}` : `did you mean ${near}?`,
  });
}

async function writeNew(path: string, file: string, text: string): Promise<void> {
  try {
    // wx: somebody's spec is never overwritten.
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw new TemperError(
      'UsageInvalid',
      {
        where: file,
        what: 'the file cannot be written',
        why: errorText(error),
        fix: 'give a new file name in a folder that exists',
      },
      { cause: error },
    );
  }
}
