import { join } from 'node:path';
import { assertNever } from '../../domain/assert-never.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Command, ProducedStage, StageFacts, StageOutput, StageWork } from '../recipe.js';
import { smokeCommands } from '../smoke.js';
import { readAnswers } from './answers.js';
import { dataWork } from './data-work.js';
import { python } from './python-command.js';
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
      commands: [python(facts, 'make', 'make_weights.py', ['--output', hf, '--seed', pathOf(source)])],
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
    commands: [python(facts, 'hf-to-dcp', 'convert.py', ['hf-to-dcp', '--hf-dir', original, '--save-dir', dcp])],
    checks: [{ kind: 'convertedCheckpoint', dir: dcp, original }],
    outputs: { dcp: 'dcp' },
  };
}

function exportWork(facts: StageFacts): StageWork {
  const { spec } = facts;
  const original = output(facts, 'weights', 'hf');
  const checkpoint = output(facts, 'train', 'checkpoint');
  const hf = join(facts.out, 'hf');
  const dtype = spec.export.dtype;
  const args = ['dcp-to-hf', '--hf-dir', original, '--dcp-dir', checkpoint, '--save-dir', hf];
  // `keep` leaves the numbers as training stored them, which is F32.
  return {
    files: [],
    commands: [python(facts, 'dcp-to-hf', 'convert.py', [...args, '--dtype', dtype === 'bf16' ? 'bf16' : 'keep'])],
    checks: [{ kind: 'sameModel', original, exported: hf, dtype, frozen: frozenNames(spec) }],
    outputs: { hf: 'hf' },
  };
}

function verifyWork(facts: StageFacts): StageWork {
  const original = output(facts, 'weights', 'hf');
  const exported = output(facts, 'export', 'hf');
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

function output(facts: StageFacts, stage: keyof StageFacts['inputs'], name: string): string {
  const found: StageOutput | undefined = facts.inputs[stage];
  const path = found?.outputs[name];
  if (path === undefined) throw new TypeError(`stage ${stage} left no output ${name}`);
  return path;
}
