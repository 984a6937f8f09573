import type { PipelineSpec } from '../../../schemas/spec.js';
import { revisionOf, type Revision } from '../revisions.js';

type Freezing = Pick<PipelineSpec, 'train' | 'environment'>;

/**
 * Parts of the original's tensor names that training must leave as they are, by the rules of the revision: a parameter
 * is frozen when its name holds one of these texts. Embeddings, downsampling and the two norms of the vision part hold
 * none of them, so they learn even so.
 */
export function frozenNames(spec: Freezing): readonly string[] {
  const { freezesOutputLayer } = revision(spec);
  return saidFrozen(spec).filter((name) => name !== OUTPUT_LAYER || freezesOutputLayer);
}

/** What the training says that it froze, in the words of its log; the guide's own day says more than it does. */
export function saidFrozen({ train }: Pick<PipelineSpec, 'train'>): readonly string[] {
  const { visionEncoder, visionProjector, textDecoder } = train.freeze;
  return [
    ...(visionEncoder ? ['visual.patch_embed', 'visual.blocks'] : []),
    ...(visionProjector ? ['visual.merger'] : []),
    ...(textDecoder ? ['language_model', OUTPUT_LAYER] : []),
  ];
}

const OUTPUT_LAYER = 'lm_head';

function revision({ environment }: Freezing): Revision {
  return revisionOf(environment.sources?.['mindspeedMm']?.ref);
}
