import { z } from 'zod';
import { PipelineSpecSchema } from '../../schemas/spec.js';

/** One node of a JSON Schema, as far as specs use it. */
export interface SchemaNode {
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly propertyNames?: SchemaNode;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly patternErrorMessage?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** An environment variable that a recipe documents. */
export interface DocumentedVariable {
  readonly name: string;
  readonly description: string;
}

/** The schema with what recipes say about variables of `train.env`, so that editors show it; other names stay allowed. */
export function withVariables(schema: SchemaNode, variables: readonly DocumentedVariable[]): SchemaNode {
  const train = schema.properties?.['train'];
  const env = train?.properties?.['env'];
  if (train === undefined || env === undefined || variables.length === 0) return schema;
  const properties = Object.fromEntries(variables.map(({ name, description }) => [name, { description }]));
  const documented = { ...train, properties: { ...train.properties, env: { ...env, properties } } };
  return { ...schema, properties: { ...schema.properties, train: documented } };
}

let cached: SchemaNode | undefined;

/** JSON Schema of what a user writes in a spec. */
export function specJsonSchema(): SchemaNode {
  cached ??= { title: 'Temper pipeline', ...inputSchema(PipelineSpecSchema) };
  return cached;
}

/** JSON Schema (draft 7, which editors know best) of what a user writes in a file. */
export function inputSchema(schema: z.ZodType): SchemaNode {
  // Safe: zod makes JSON Schema objects, and SchemaNode names a part of their keys, all optional.
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as SchemaNode;
}
