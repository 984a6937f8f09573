import type { Lint } from './recipe.js';

/** A variable in `train.env` that no acceptance makes right. */
export function refuseVariable(id: string, name: string, told: Pick<Lint, 'what' | 'why' | 'fix'>): Lint {
  return { id, severity: 'error', acceptable: false, path: ['train', 'env', name], ...told };
}

/** One that the launch sets itself: a value in the spec would change nothing, or something that must not change. */
export function refuseOwned(name: string, told: Pick<Lint, 'why' | 'fix'>): Lint {
  return refuseVariable('env/owned-variable', name, { what: `${name} is set by Temper`, ...told });
}
