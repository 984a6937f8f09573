import type { Check, Command, HostTools, Recipe, StageFacts } from '../recipe.js';

/** The proofs of a stage as commands, so that a script whose result is not sound ends with another status than 0. */
export function proofOf(check: Check, recipe: Recipe, tools: HostTools): readonly Command[] {
  switch (check.kind) {
    case 'modelFolder':
      return [proof(tools, 'prove-model', ['model', 'inspect', check.dir])];
    case 'convertedCheckpoint':
      return [proof(tools, 'prove-checkpoint', ['checkpoint', 'verify', '--recipe', recipe.id, check.dir])];
    case 'sameModel':
      return [proof(tools, 'prove-export', verifyWords(check))];
    case 'filesExist':
      return [{ step: 'prove-files', argv: ['ls', '-d', ...check.paths], cwd: '/', env: {} }];
  }
}

/** Upstream's export reads for hours before it meets a torn shard. */
export function checkpointProof(recipe: Recipe, tools: HostTools, { train }: StageFacts['inputs']): readonly Command[] {
  const checkpoint = train?.outputs['checkpoint'];
  if (checkpoint === undefined) return [];
  return [proof(tools, 'prove-trained-checkpoint', ['checkpoint', 'verify', '--recipe', recipe.id, checkpoint])];
}

function proof({ node, temper }: HostTools, step: string, words: readonly string[]): Command {
  return { step, argv: [node, temper, ...words], cwd: '/', env: {} };
}

/** The comparison of an export with its original, with all that it is held against. */
function verifyWords({
  original,
  exported,
  dtype,
  frozen,
  mayBeEqual,
}: Extract<Check, { kind: 'sameModel' }>): string[] {
  return [
    ...['export', 'verify', '--deep', '--original', original, '--exported', exported, '--dtype', dtype],
    ...(mayBeEqual === true ? ['--may-be-equal'] : []),
    ...(frozen.length === 0 ? [] : ['--frozen', ...frozen]),
  ];
}
