import { join } from 'node:path';
import type { StageFacts, StageWork } from '../recipe.js';
import { script, temper, upstream } from './commands.js';
import { CONVERTER } from './convert-work.js';
import { exportResources } from './sizes.js';
import { frozenNames } from './training/frozen.js';
import { outputOf } from '../stage-work.js';

/**
 * The trained model in Hugging Face format. Upstream's converter writes F32, whatever config.json says; for bf16 each
 * tensor is then cast back to the format that it has in the original.
 */
export function exportWork(facts: StageFacts): StageWork {
  const { spec, inputs, out } = facts;
  const original = outputOf(inputs, 'convert', 'hf');
  const checkpoint = outputOf(inputs, 'train', 'checkpoint');
  const { dtype } = spec.export;
  const frozen = frozenNames(spec);
  const split = join(out, dtype === 'f32' ? 'hf' : 'hf-f32');
  const exported = join(out, 'hf');
  const bytes = inputs.weights?.facts['bytes'];
  return {
    files: [],
    commands: [
      upstream(facts, 'dcp-to-hf', [
        script(facts, 'mm-convert'),
        ...[CONVERTER, 'dcp_to_hf', '--hf_dir', original, '--dcp_dir', checkpoint, '--save_dir', split],
      ]),
      temper(facts, 'tell-dtype', ['model', 'cast', split, '--like', original, '--dtype', 'f32']),
      ...(dtype === 'f32'
        ? []
        : [
            // Rounding can take small steps of training back, so that there were any is looked for before it.
            temper(facts, 'prove-trained', [
              ...['export', 'verify', '--original', original, '--exported', split, '--dtype', 'f32', '--deep'],
              ...(frozen.length === 0 ? [] : ['--frozen', ...frozen]),
            ]),
            temper(facts, 'cast', [
              ...['model', 'cast', split, '--like', original, '--dtype', 'bf16', '--output', exported],
              '--remove-source',
            ]),
          ]),
    ],
    checks: [{ kind: 'sameModel', original, exported, dtype, frozen, mayBeEqual: dtype === 'bf16' }],
    ...(typeof bytes === 'number' ? { resources: exportResources(bytes, spec) } : {}),
    outputs: { hf: 'hf' },
  };
}
