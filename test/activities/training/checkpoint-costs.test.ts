import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointCosts } from '../../../src/activities/training/checkpoint-costs.js';
import { glm45v } from '../../../src/recipes/mindspeed-mm/recipe.js';
import type { PipelineSpec } from '../../../src/schemas/spec.js';
import { guideSpec } from '../../recipes/mindspeed-mm/training/support.js';

const QUICK = { maxBytes: 1024 * 1024, writeMs: 50, readMs: 50 };

function specOf(source: string): PipelineSpec {
  const spec = guideSpec();
  return { ...spec, weights: { source } };
}

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'temper-costs-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

describe('the cost of checkpoints before anything is converted', () => {
  const planned = () => ({ workspace, run: 'r1', key: null, converted: null });

  it('follows from the size of the released model', async () => {
    const { checkpoint, warnings } = await checkpointCosts(glm45v, specOf('hf:zai-org/GLM-4.5V'), planned(), QUICK);
    expect(warnings).toEqual([]);
    expect(checkpoint).toMatchObject({ isSizePlanned: true, shareOfRun: null });
    // About 107 billion parameters: weights and two moments, each F32.
    expect(checkpoint?.bytesPerSave).toBe((215e9 / 2) * 12);
  });

  it('is not known for weights that only a host can look at', async () => {
    expect(await checkpointCosts(glm45v, specOf('path:/models/own'), planned(), QUICK)).toEqual({ warnings: [] });
  });
});
