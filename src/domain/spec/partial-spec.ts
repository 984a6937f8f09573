import { DataSourceSchema } from '../../schemas/spec-data.js';
import type { DataSource } from '../../schemas/spec-data.js';
import { PipelineSpecSchema } from '../../schemas/spec.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { entryOf } from './field.js';

type Sections = Pick<PipelineSpec, 'workspace' | 'scratch' | 'weights' | 'environment'>;

/** The parts of a spec that rules compare and that fit the schema, so that cross-field rules tell their problems together with the schema's. */
export type PartialSpec = { readonly [Key in keyof Sections]?: Sections[Key] | undefined } & {
  /** Data sets in order; a broken one leaves its place empty. */
  readonly data: readonly (DataSource | undefined)[];
};

/** Reads each section on its own. */
export function partialSpec(value: unknown): PartialSpec {
  const shape = PipelineSpecSchema.shape;
  const data = entryOf(value, 'data');
  return {
    workspace: shape.workspace.safeParse(entryOf(value, 'workspace')).data,
    scratch: shape.scratch.safeParse(entryOf(value, 'scratch')).data,
    environment: shape.environment.safeParse(entryOf(value, 'environment')).data,
    weights: shape.weights.safeParse(entryOf(value, 'weights')).data,
    data: Array.isArray(data) ? data.map((entry) => DataSourceSchema.safeParse(entry).data) : [],
  };
}
