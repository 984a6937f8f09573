import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { specJsonSchema, withVariables } from '../../domain/spec/json-schema.js';
import { RECIPES } from '../../recipes/registry.js';
import type { CommandContext } from '../context.js';

/** `temper schema`: the JSON Schema of a spec, with the variables that recipes know, for editors. */
export function schema({ output }: CommandContext): ExitStatus {
  const document = withVariables(
    specJsonSchema(),
    RECIPES.flatMap(({ variables }) => variables ?? []),
  );
  output.result(document, () => JSON.stringify(document, null, 2));
  return EXIT.ok;
}
