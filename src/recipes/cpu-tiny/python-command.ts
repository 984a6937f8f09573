import { join } from 'node:path';
import type { Command, StageFacts } from '../recipe.js';

/** Variables that keep Python programs from reaching out and from writing caches outside their folder. */
export const OFFLINE = {
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUNBUFFERED: '1',
  TOKENIZERS_PARALLELISM: 'false',
} as const;

/** Runs one of the recipe's Python programs. */
export function python(
  { tools, out }: Pick<StageFacts, 'tools' | 'out'>,
  step: string,
  program: string,
  args: readonly string[],
): Command {
  return { step, argv: [tools.python, join(tools.programs, program), ...args], cwd: out, env: OFFLINE };
}
