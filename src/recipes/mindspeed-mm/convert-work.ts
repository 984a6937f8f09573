import { join } from 'node:path';
import type { StageFacts, StageWork } from '../recipe.js';
import { script, temper, upstream } from './commands.js';
import { convertResources, keptShare } from './sizes.js';
import { pathOf } from '../stage-drafts.js';
import { outputOf } from '../stage-work.js';

/** Name of the converter class and its two directions (guide 2.1 and 4.4). */
export const CONVERTER = 'ExpertMergeDcpConverter';

/**
 * The distributed checkpoint that training starts from, and the Hugging Face folder that belongs to it: the original,
 * or the smaller model that was made of it.
 */
export function convertWork(facts: StageFacts): StageWork {
  const { spec } = facts;
  const original = outputOf(facts.inputs, 'weights', 'hf');
  if (spec.weights.source.startsWith('dcp:')) {
    const dir = pathOf(spec.weights.source);
    return {
      files: [],
      commands: [],
      checks: [{ kind: 'convertedCheckpoint', dir, original }],
      outputs: { dcp: dir, hf: original },
    };
  }
  const layers = spec.weights.reduceLayers;
  const hf = layers === undefined ? original : join(facts.out, 'hf');
  const dcp = join(facts.out, 'dcp');
  const reduce = (count: number): StageWork['commands'] => [
    temper(facts, 'reduce', ['model', 'reduce', original, '--layers', String(count), '--output', hf]),
  ];
  return {
    files: [],
    commands: [
      ...(layers === undefined ? [] : reduce(layers)),
      upstream(facts, 'hf-to-dcp', [
        script(facts, 'mm-convert'),
        ...[CONVERTER, 'hf_to_dcp', '--hf_dir', hf, '--save_dir', dcp],
      ]),
    ],
    checks: [
      ...(layers === undefined ? [] : [{ kind: 'modelFolder', dir: hf } as const]),
      { kind: 'convertedCheckpoint', dir: dcp, original: hf },
    ],
    ...resources(facts, layers),
    outputs: { dcp: 'dcp', hf: layers === undefined ? original : 'hf' },
  };
}

/** From the size that the weights really have; a reduced model's share of it follows from its layers. */
function resources(facts: StageFacts, layers: number | undefined): Pick<StageWork, 'resources'> {
  const { bytes, layers: all } = facts.inputs.weights?.facts ?? {};
  if (typeof bytes !== 'number') return {};
  const share = typeof all !== 'number' || all === 0 ? 1 : keptShare(layers, all);
  return { resources: convertResources(Math.ceil(bytes * share), layers !== undefined) };
}
