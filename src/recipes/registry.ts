import { cpuTiny } from './cpu-tiny/recipe.js';
import { glm45v } from './mindspeed-mm/recipe.js';
import type { Recipe } from './recipe.js';
import { simulated } from './simulated/recipe.js';

/** All recipes, one closed list. */
export const RECIPES: readonly Recipe[] = [glm45v, cpuTiny, simulated];

/** The recipe of an id, or null. */
export function findRecipe(id: string): Recipe | null {
  return RECIPES.find((recipe) => recipe.id === id) ?? null;
}
