import { resolve } from 'node:path';
import { EXIT, TemperError } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { verifyWithLedger } from '../../host/ledger/find-seal.js';
import { findRecipe } from '../../recipes/registry.js';
import type { CommandContext } from '../context.js';
import { checkpointText } from '../render/files.js';

/** `temper checkpoint verify DIR`: whether a checkpoint can be loaded; needs neither Temporal nor torch. */
export async function checkpointVerify(
  { output, io }: CommandContext,
  dir: string,
  options: { readonly deep?: boolean; readonly recipe: string },
): Promise<ExitStatus> {
  const recipe = findRecipe(options.recipe);
  if (recipe === null)
    throw new TemperError('RecipeUnknown', {
      where: '--recipe',
      what: `there is no recipe ${JSON.stringify(options.recipe)}`,
    });
  const report = await verifyWithLedger(resolve(io.cwd, dir), {
    layout: recipe.checkpoint.layout,
    isDeep: options.deep ?? false,
  });
  output.result(report, (paint) => checkpointText(dir, report, paint));
  return report.complete ? EXIT.ok : EXIT.failed;
}
