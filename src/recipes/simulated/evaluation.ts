import type { EvaluationRecipe } from '../evaluation-recipe.js';
import { program } from './command.js';

/** Mean squared error on rows that training did not see. */
export const evaluation: EvaluationRecipe = {
  measure(facts, model, output, rows) {
    const heldOut = rows ?? facts.inputs.data?.outputs['heldOut'];
    if (heldOut === undefined) return null;
    return program(facts, 'measure', 'measure.mjs', ['--model', model, '--rows', heldOut, '--output', output]);
  },
};
