import type { Command, StageFacts } from './recipe.js';

/** Measures exported models on rows that training did not see. */
export interface EvaluationRecipe {
  /**
   * Command that writes a JSON object of numbers with `evalLoss` to `output`. `rows` is a file of the user's; null
   * means the rows that the data stage kept aside. Null: there are none.
   */
  measure(facts: StageFacts, model: string, output: string, rows: string | null): Command | null;
}
