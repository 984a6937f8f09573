import type { ModelWish } from '../domain/model-config.js';

/** Options that say which model is needed. */
export interface WishFlags {
  readonly type?: string;
  readonly layers?: number;
  readonly section?: string;
}

/** What must hold for the configuration of a model; null: anything is taken. */
export function wishOf({ type, layers, section = 'text_config' }: WishFlags): ModelWish | null {
  return type === undefined ? null : { modelType: type, section, layers: layers ?? null };
}
