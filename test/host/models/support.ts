import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
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

/** Bundles a fixture into one file that plain Node runs. */
export async function bundleFixture(source: URL, folder: string): Promise<string> {
  const file = join(folder, `${basename(source.pathname, '.ts')}.mjs`);
  const bundle = await rolldown({
    input: fileURLToPath(source),
    platform: 'node',
    external: (id) => id.startsWith('node:'),
    logLevel: 'silent',
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  return file;
}

/** Runs a bundled fixture to its end; null when it was killed. */
export function runFixture(file: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.signal === 'SIGKILL') resolve(null);
      else reject(new Error(stderr, { cause: error }));
    });
  });
}
