import { join } from 'node:path';
import type { Command, StageFacts, StageWork } from '../recipe.js';
import { smokeCommands } from '../smoke.js';
import { upstream } from './commands.js';
import { outputOf } from '../stage-work.js';

/** The exported folder is whole, and has what loading it with transformers needs. */
export function verifyWork(facts: StageFacts): StageWork {
  const hf = outputOf(facts.inputs, 'export', 'hf');
  return {
    files: [],
    // With the environment of the toolkit, which the devices need.
    commands: smokeCommands(facts, hf).map((smoke) => ({ ...smoke, ...toolkitOf(facts, smoke) })),
    checks: [
      { kind: 'modelFolder', dir: hf },
      { kind: 'filesExist', paths: ['config.json', 'tokenizer_config.json'].map((name) => join(hf, name)) },
    ],
    outputs: {},
  };
}

function toolkitOf(facts: StageFacts, { step, argv }: Command): Pick<Command, 'argv' | 'env'> {
  const { argv: words, env } = upstream(facts, step, argv);
  return { argv: words, env };
}
