import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { StageFacts, StageWork } from '../recipe.js';
import { smokeCommands } from '../smoke.js';
import { program } from './command.js';
import { dataWork } from './data-work.js';
import { outputOf, workByStage } from '../stage-work.js';
import { ownModelWork, type OwnModel } from '../own-model.js';

const own: OwnModel = {
  makeWeights: (facts, args) => program(facts, 'make', 'make-weights.mjs', args),
  convert: (facts, step, args) => program(facts, step, 'convert.mjs', [step, ...args]),
  dtype: (dtype) => dtype,
  frozenNames,
};

/** Commands, proofs and outputs of each stage that runs on one host. */
export const work = workByStage({ ...ownModelWork(own), data: dataWork, verify: verifyWork });

const EvaluationSchema = z.looseObject({
  v: z.literal(1),
  rows: z.number(),
  lossBefore: z.number().nullable(),
  lossAfter: z.number().nullable(),
});

function verifyWork(facts: StageFacts): StageWork {
  const given = facts.inputs.data?.outputs['heldOut'];
  const rows = given ?? join(facts.out, 'heldout.json');
  const models = [
    '--before',
    outputOf(facts.inputs, 'weights', 'hf'),
    '--after',
    outputOf(facts.inputs, 'export', 'hf'),
  ];
  return {
    // Without held-out rows the exported model is still read.
    files: given === undefined ? [{ path: rows, content: '[]' }] : [],
    commands: [
      program(facts, 'evaluate', 'evaluate.mjs', [
        ...models,
        '--rows',
        rows,
        '--output',
        join(facts.out, 'evaluation.json'),
      ]),
      ...smokeCommands(facts, outputOf(facts.inputs, 'export', 'hf')),
    ],
    checks: [],
    outputs: {},
    factFiles: ['evaluation.json'],
    facts: readEvaluation,
  };
}

function readEvaluation([file]: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  const parsed = EvaluationSchema.safeParse(file);
  if (!parsed.success) {
    return {
      facts: {},
      problems: [problem('ProofFailed', { what: 'the evaluation has an unknown form', why: parsed.error.message })],
    };
  }
  const { rows, lossBefore, lossAfter } = parsed.data;
  const isBroken = lossAfter === null;
  return {
    facts: { heldOutRows: rows, heldOutLossBefore: lossBefore, heldOutLossAfter: lossAfter },
    problems: isBroken ? [problem('ProofFailed', { what: 'the loss of the exported model is not a number' })] : [],
  };
}

/** Parts of tensor names that belong to frozen modules. */
export function frozenNames({ train }: PipelineSpec): string[] {
  const { visionEncoder, visionProjector, textDecoder } = train.freeze;
  return [
    ...(visionEncoder ? ['visual.blocks'] : []),
    ...(visionProjector ? ['visual.merger'] : []),
    ...(textDecoder ? ['model.language_model', 'lm_head'] : []),
  ];
}
