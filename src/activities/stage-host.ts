import type { HostContext } from '../host/context.js';
import type { Recipe } from '../recipes/recipe.js';

/** A host with the recipes that its activities may use: all registered ones in a worker, its own in a test. */
export interface StageHost extends HostContext {
  /** The recipe of an id, or null. */
  findRecipe(id: string): Recipe | null;
}
