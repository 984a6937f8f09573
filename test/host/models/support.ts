import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordStage, writeRun } from '../../../src/host/run/run-folder.js';
import { writeReceipt } from '../../../src/host/store/entry.js';
import { makeManifest, manifestDigest } from '../../../src/host/store/manifest.js';
import { planFromText } from '../../../src/recipes/plan-from-text.js';
import type { StageName } from '../../../src/schemas/plan.js';
import { simulatedSpec } from '../../e2e/support/simulated-spec.js';

/** Writes what a finished run leaves: its folder, and an exported model in the store. */
export async function finishRun(
  workspace: string,
  run: string,
  spec = simulatedSpec({ name: run, workspace }),
): Promise<void> {
  const { plan, ...planned } = planFromText(spec, run, []);
  if (plan === null) throw new Error(JSON.stringify(planned));
  await writeRun(plan, 'specText' in planned ? planned.specText : spec);
  await finishStage(workspace, run, 'export', `key-${run}`, `model of ${run}`);
  await finishStage(workspace, run, 'verify', `verify-${run}`, 'verified');
}

/** Puts a proven output into the store and notes it in the run. Answers its folder. */
export async function finishStage(
  workspace: string,
  run: string,
  stage: StageName,
  key: string,
  content: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const dir = `store/${stage}/${key}/out-0001`;
  const out = join(workspace, dir);
  await mkdir(join(out, 'hf'), { recursive: true });
  await writeFile(join(out, 'hf/model.safetensors'), content);
  const manifest = await makeManifest(out);
  const digest = manifestDigest(manifest);
  const at = new Date().toISOString();
  await writeReceipt(workspace, {
    ...{ v: 1, stage, key, dir, outputs: { hf: `${dir}/hf`, ...more }, facts: {}, manifest, digest },
    ...{ madeBy: { run, host: 'h1', owner: 'o', tryNumber: 1 }, startedAt: at, finishedAt: at },
  });
  await recordStage(workspace, run, { v: 1, stage, key, digest, reused: false, host: 'h1', at, durationMs: 1 }, out);
  return out;
}
