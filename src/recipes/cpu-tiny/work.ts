import { join } from 'node:path';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Command, StageFacts, StageWork } from '../recipe.js';
import { smokeCommands } from '../smoke.js';
import { readAnswers } from './answers.js';
import { dataWork } from './data-work.js';
import { python } from './python-command.js';
import { outputOf, workByStage } from '../stage-work.js';
import { ownModelWork, type OwnModel } from '../own-model.js';

const own: OwnModel = {
  makeWeights: (facts, args) => python(facts, 'make', 'make_weights.py', args),
  convert: (facts, step, args) => python(facts, step, 'convert.py', [step, ...args]),
  // `keep` leaves the numbers as training stored them, which is F32.
  dtype: (dtype) => (dtype === 'bf16' ? 'bf16' : 'keep'),
  frozenNames,
};

/** Commands, proofs and outputs of each stage that runs on one host. */
export const work = workByStage({ ...ownModelWork(own), data: dataWork, verify: verifyWork });

function verifyWork(facts: StageFacts): StageWork {
  const original = outputOf(facts.inputs, 'weights', 'hf');
  const exported = outputOf(facts.inputs, 'export', 'hf');
  const given = facts.inputs.data?.outputs['questions'];
  const questions = given ?? join(facts.out, 'questions.json');
  const images = facts.inputs.data?.outputs['questionImages'] ?? facts.out;
  const ask = (step: string, model: string, modes: string): Command =>
    python(facts, step, 'answer.py', [
      ...['--model', model, '--questions', questions, '--image-root', images],
      ...['--output', join(facts.out, `${step}.json`), '--images', modes],
    ]);
  return {
    // Without held-out questions the exported model is still loaded, which shows missing and unexpected tensors.
    files: given === undefined ? [{ path: questions, content: '[]' }] : [],
    commands: [
      ask('before', original, 'normal'),
      ask('after', exported, 'normal,blank,swap'),
      ...smokeCommands(facts, exported),
    ],
    checks: [],
    outputs: {},
    factFiles: ['before.json', 'after.normal.json', 'after.blank.json', 'after.swap.json'],
    facts: readAnswers,
  };
}

/** Parts of tensor names that belong to frozen modules. */
export function frozenNames({ train }: PipelineSpec): string[] {
  const { visionEncoder, visionProjector, textDecoder } = train.freeze;
  return [
    ...(visionEncoder ? ['visual.patch_embed', 'visual.blocks'] : []),
    ...(visionProjector ? ['visual.merger'] : []),
    ...(textDecoder ? ['model.language_model', 'lm_head'] : []),
  ];
}
