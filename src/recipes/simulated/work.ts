import { join } from 'node:path';
import { z } from 'zod';
import { assertNever } from '../../domain/assert-never.js';
import { problem } from '../../domain/errors.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { ProducedStage, StageFacts, StageWork } from '../recipe.js';
import { smokeCommands } from '../smoke.js';
import { program } from './command.js';
import { dataWork } from './data-work.js';
import { pathOf } from './stages.js';

/** Commands, proofs and outputs of each stage that runs on one host. */
export function work(stage: ProducedStage, facts: StageFacts): StageWork {
  switch (stage) {
    case 'weights':
      return weightsWork(facts);
    case 'data':
      return dataWork(facts);
    case 'convert':
      return convertWork(facts);
    case 'export':
      return exportWork(facts);
    case 'verify':
      return verifyWork(facts);
    case 'check':
      throw new TypeError('rows are judged where they are made');
    default:
      return assertNever(stage);
  }
}

function weightsWork(facts: StageFacts): StageWork {
  const { source, original } = facts.spec.weights;
  if (source.startsWith('seed:')) {
    const hf = join(facts.out, 'hf');
    return {
      files: [],
      commands: [program(facts, 'make', 'make-weights.mjs', ['--output', hf, '--seed', pathOf(source)])],
      checks: [{ kind: 'modelFolder', dir: hf }],
      outputs: { hf: 'hf' },
    };
  }
  const hf = source.startsWith('dcp:') ? (original ?? '') : pathOf(source);
  return { files: [], commands: [], checks: [{ kind: 'modelFolder', dir: hf }], outputs: { hf } };
}

function convertWork(facts: StageFacts): StageWork {
  const { source } = facts.spec.weights;
  const original = output(facts, 'weights', 'hf');
  if (source.startsWith('dcp:')) {
    const dir = pathOf(source);
    return { files: [], commands: [], checks: [{ kind: 'convertedCheckpoint', dir, original }], outputs: { dcp: dir } };
  }
  const dcp = join(facts.out, 'dcp');
  return {
    files: [],
    commands: [program(facts, 'hf-to-dcp', 'convert.mjs', ['hf-to-dcp', '--hf-dir', original, '--save-dir', dcp])],
    checks: [{ kind: 'convertedCheckpoint', dir: dcp, original }],
    outputs: { dcp: 'dcp' },
  };
}

function exportWork(facts: StageFacts): StageWork {
  const original = output(facts, 'weights', 'hf');
  const hf = join(facts.out, 'hf');
  const { dtype } = facts.spec.export;
  const args = ['dcp-to-hf', '--hf-dir', original, '--dcp-dir', output(facts, 'train', 'checkpoint'), '--save-dir', hf];
  return {
    files: [],
    commands: [program(facts, 'dcp-to-hf', 'convert.mjs', [...args, '--dtype', dtype])],
    checks: [{ kind: 'sameModel', original, exported: hf, dtype, frozen: frozenNames(facts.spec) }],
    outputs: { hf: 'hf' },
  };
}

const EvaluationSchema = z.looseObject({
  v: z.literal(1),
  rows: z.number(),
  lossBefore: z.number().nullable(),
  lossAfter: z.number().nullable(),
});

function verifyWork(facts: StageFacts): StageWork {
  const given = facts.inputs.data?.outputs['heldOut'];
  const rows = given ?? join(facts.out, 'heldout.json');
  const models = ['--before', output(facts, 'weights', 'hf'), '--after', output(facts, 'export', 'hf')];
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
      ...smokeCommands(facts, output(facts, 'export', 'hf')),
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

function output(facts: StageFacts, stage: keyof StageFacts['inputs'], name: string): string {
  const path = facts.inputs[stage]?.outputs[name];
  if (path === undefined) throw new TypeError(`stage ${stage} left no output ${name}`);
  return path;
}
