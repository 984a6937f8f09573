import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { specJsonSchema } from '../../domain/spec/json-schema.js';
import type { CommandContext } from '../context.js';

/** `temper schema`: the JSON Schema of a spec, for editors. */
export function schema({ output }: CommandContext): ExitStatus {
  const document = specJsonSchema();
  output.result(document, () => JSON.stringify(document, null, 2));
  return EXIT.ok;
}
