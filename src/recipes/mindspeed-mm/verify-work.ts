import { join } from 'node:path';
import type { StageFacts, StageWork } from '../recipe.js';
import { outputOf } from './commands.js';

/** The exported folder is whole, and has what loading it with transformers needs. */
export function verifyWork({ inputs }: StageFacts): StageWork {
  const hf = outputOf(inputs, 'export', 'hf');
  return {
    files: [],
    commands: [],
    checks: [
      { kind: 'modelFolder', dir: hf },
      { kind: 'filesExist', paths: ['config.json', 'tokenizer_config.json'].map((name) => join(hf, name)) },
    ],
    outputs: {},
  };
}
