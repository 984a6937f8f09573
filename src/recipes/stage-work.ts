import type { ProducedStage, StageFacts, StageWork } from './recipe.js';

/** Commands, proofs and outputs of each stage that runs on one host. */
export function workByStage(
  works: Readonly<Record<ProducedStage, (facts: StageFacts) => StageWork>>,
): (stage: ProducedStage, facts: StageFacts) => StageWork {
  return (stage, facts) => works[stage](facts);
}

/** A named output of an earlier stage. */
export function outputOf(
  inputs: Readonly<Partial<Record<string, { readonly outputs: Readonly<Record<string, string>> }>>>,
  stage: keyof StageFacts['inputs'],
  name: string,
): string {
  const path = inputs[stage]?.outputs[name];
  if (path === undefined) throw new TypeError(`stage ${stage} left no output ${name}`);
  return path;
}
