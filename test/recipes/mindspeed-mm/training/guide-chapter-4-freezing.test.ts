import { describe, expect, it } from 'vitest';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import { frozenNames, saidFrozen } from '../../../../src/recipes/mindspeed-mm/training/frozen.js';
import { trainingLints } from '../../../../src/recipes/mindspeed-mm/training/lint.js';
import { modelFile } from '../../../../src/recipes/mindspeed-mm/training/model-file.js';
import { resume } from '../../../../src/recipes/mindspeed-mm/training/resume.js';
import { guideFacts, guideSpec } from './support.js';

describe('chapter 4 of the guide: frozen modules', () => {
  it('vision encoder and projector are frozen unless the spec says otherwise', () => {
    expect(modelFile(guideFacts())).toMatchObject({
      image_encoder: { vision_encoder: { freeze: true }, vision_projector: { freeze: true } },
      text_decoder: { freeze: false },
    });
  });

  it.each([
    [{ visionEncoder: false }, ['visual.merger']],
    [{ visionProjector: false }, ['visual.patch_embed', 'visual.blocks']],
    [{ visionEncoder: false, visionProjector: false }, []],
  ])('each module is frozen by its own switch: %j', (freeze, names) => {
    const spec = guideSpec({ train: { freeze } });
    expect(frozenNames(spec)).toEqual(names);
  });

  it('the output layer is frozen with the text decoder and has no key of its own', () => {
    const spec = guideSpec({ train: { freeze: { visionEncoder: false, textDecoder: true } } });
    expect(frozenNames(spec)).toEqual(['visual.merger', 'language_model', 'lm_head']);
    expect(modelFile(guideFacts(spec))).toMatchObject({ text_decoder: { freeze: true } });
    expect(JSON.stringify(modelFile(guideFacts(spec)))).not.toContain('lm_head');
    expect(resume.isTrained('model.model.lm_head.weight', spec)).toBe(false);
    expect(resume.isTrained('model.model.model.visual.blocks.0.norm1.weight', spec)).toBe(true);
  });

  it('at the commit of the guide the output layer learns with a frozen text decoder, whatever its log says', () => {
    const spec = guideSpec({
      environment: { sources: { mindspeedMm: { ref: '5ab74768' } } },
      train: { freeze: { visionEncoder: true, visionProjector: true, textDecoder: true } },
    });
    expect(frozenNames(spec)).toEqual(['visual.patch_embed', 'visual.blocks', 'visual.merger', 'language_model']);
    expect(saidFrozen(spec).at(-1)).toBe('lm_head');
    expect(resume.isTrained('model.model.lm_head.weight', spec)).toBe(true);
    const partly = guideSpec({
      environment: { sources: { mindspeedMm: { ref: '5ab74768' } } },
      train: { freeze: { visionEncoder: false, textDecoder: true } },
    });
    expect(trainingLints(partly)).toMatchObject([
      { id: 'train/output-layer-learns', severity: 'warning' },
      { id: 'train/fused-moe-missing', severity: 'warning', acceptable: true },
    ]);
  });

  it('the parts of the vision model that no switch names learn', () => {
    const isFrozen = (name: string): boolean => frozenNames(guideSpec()).some((text) => name.includes(text));
    const parts = ['embeddings.position_embedding', 'downsample', 'post_conv_layernorm', 'post_layernorm'];
    expect(parts.filter((part) => isFrozen(`model.visual.${part}.weight`))).toEqual([]);
    expect(isFrozen('model.visual.merger.proj.weight')).toBe(true);
  });

  it('the log of rank 0 is held against what was asked for', () => {
    expect(glm45v.training.frozen?.(guideSpec())).toEqual(['visual.patch_embed', 'visual.blocks', 'visual.merger']);
  });

  it('everything frozen is an error', () => {
    const spec = guideSpec({ train: { freeze: { visionEncoder: true, visionProjector: true, textDecoder: true } } });
    expect(trainingLints(spec)).toMatchObject([{ id: 'train/all-frozen', severity: 'error', acceptable: false }]);
  });
});
