import type { EvaluationRecipe } from '../evaluation-recipe.js';
import { python } from './python-command.js';

/** Mean loss of the right answers to questions that training did not see. */
export const evaluation: EvaluationRecipe = {
  measure(facts, model, output, rows) {
    const questions = rows ?? facts.inputs.data?.outputs['questions'];
    if (questions === undefined) return null;
    // Images of the user's own questions are named from the root.
    const images = rows === null ? (facts.inputs.data?.outputs['questionImages'] ?? '/') : '/';
    return python(facts, 'measure', 'measure.py', [
      ...['--model', model, '--questions', questions, '--image-root', images, '--output', output],
    ]);
  },
};
