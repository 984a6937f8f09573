import { join } from 'node:path';
import type { Command, StageFacts } from '../recipe.js';

/** Runs one of the recipe's programs. */
export function program(
  { tools, out }: Pick<StageFacts, 'tools' | 'out'>,
  step: string,
  name: string,
  args: readonly string[],
): Command {
  return { step, argv: [tools.node, join(tools.programs, name), ...args], cwd: out, env: {} };
}
