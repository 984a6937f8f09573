import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { OutputFacts, RunFacts, Survey } from '../../domain/retention.js';
import { nullIfMissing } from '../system-error.js';
import type { CollectCall } from '../../schemas/retention.js';
import { ReceiptSchema, StageRecordSchema } from '../../schemas/receipt.js';
import { readJsonFile } from '../json-file.js';
import { readLedger } from '../ledger/store.js';
import { listModels } from '../models/promote.js';
import { modelPlace } from '../models/model-place.js';
import { listVersions } from '../models/versions.js';
import { pathsIn, pathsNamedBy } from '../run/specs-naming.js';
import { workspacePath } from '../run/workspace-path.js';
import { readClaim } from '../store/claim.js';
import { surveyDownloads } from './downloads.js';
import { measure } from './measure.js';

/** Tells of each run why it may still be going on; null when it has ended for certain. */
export type LookAtRuns = (
  runs: readonly { readonly name: string; readonly touchedMs: number }[],
) => Promise<ReadonlyMap<string, string | null>>;

/** Looks at all runs, outputs and promoted models of a workspace, and at what needs what. */
export async function surveyWorkspace(
  workspace: string,
  lookAtRuns: LookAtRuns,
  schedules: NonNullable<CollectCall['schedules']> = [],
): Promise<Survey> {
  // Outputs first, then who needs them: one that is begun in between is not in the list of what may go.
  const outputs = await surveyOutputs(workspace);
  const found = await surveyRuns(workspace);
  const states = await lookAtRuns(found);
  const runs = found.map((run) => ({
    ...run,
    open: states.get(run.name) ?? (states.has(run.name) ? null : 'it was not looked at'),
  }));
  const promoted: { label: string; run: string; output: string }[] = [];
  for (const model of await listModels(workspace)) {
    for (const one of await listVersions(workspace, model))
      promoted.push({ label: `model ${one.version} of ${model}`, run: one.run, output: `export/${one.export.key}` });
  }
  const scheduled: { name: string; uses: string[] }[] = [];
  for (const { name, texts } of schedules)
    scheduled.push({ name, uses: await placesOf(workspace, await pathsIn(workspace, texts)) });
  return { runs, outputs, promoted, scheduled, downloads: await surveyDownloads(workspace) };
}

async function surveyOutputs(workspace: string): Promise<OutputFacts[]> {
  const root = join(workspace, 'store');
  const outputs: OutputFacts[] = [];
  for (const stage of await foldersOf(root)) {
    for (const key of await foldersOf(join(root, stage))) {
      const entry = join(root, stage, key);
      const size = await measure(entry);
      const receipt = await readJsonFile(join(entry, 'receipt.json'), ReceiptSchema);
      const named = receipt === null ? [] : [receipt.dir, ...Object.values(receipt.outputs)];
      const places = await Promise.all(named.map((path) => workspacePath(workspace, path)));
      outputs.push({
        id: `${stage}/${key}`,
        ...size,
        isClaimed: (await readClaim(entry)) !== null,
        points: places.filter((path) => isElsewhere(path, `store/${stage}/${key}`)),
      });
    }
  }
  return outputs;
}

async function surveyRuns(workspace: string): Promise<Omit<RunFacts, 'open'>[]> {
  const root = join(workspace, 'runs');
  const runs: Omit<RunFacts, 'open'>[] = [];
  for (const name of await foldersOf(root)) {
    const dir = join(root, name);
    runs.push({
      name,
      ...(await measure(dir)),
      outputs: await outputsOf(dir),
      uses: await usesOf(workspace, dir, name),
    });
  }
  return runs;
}

async function outputsOf(dir: string): Promise<string[]> {
  const outputs: string[] = [];
  for (const stage of await foldersOf(join(dir, 'stages'))) {
    const record = await readJsonFile(join(dir, 'stages', stage, 'receipt.json'), StageRecordSchema);
    if (record !== null) outputs.push(`${record.stage}/${record.key}`);
  }
  return outputs;
}

/** Paths of the workspace that a run starts from, by its ledger and its spec. */
async function usesOf(workspace: string, dir: string, name: string): Promise<string[]> {
  const { inUse } = await readLedger(dir);
  const named = await pathsNamedBy(workspace, name);
  const all = await placesOf(workspace, [...(inUse === null ? [] : [resolve(dir, inUse.dir)]), ...named]);
  return all.filter((path) => path !== `runs/${name}` && !path.startsWith(`runs/${name}/`));
}

/** Relative to the workspace; with what a link to a promoted model shows now, which is what a run is about to adopt. */
async function placesOf(workspace: string, paths: readonly string[]): Promise<string[]> {
  const shown = await Promise.all(paths.map((path) => modelPlace(workspace, path)));
  const places = await Promise.all([...paths, ...shown].map((path) => workspacePath(workspace, path)));
  return places.filter((path) => !path.startsWith('..'));
}

function isElsewhere(path: string, own: string): boolean {
  return /^(runs|store)\//.test(path) && path !== own && !path.startsWith(`${own}/`);
}

async function foldersOf(dir: string): Promise<string[]> {
  const entries = (await readdir(dir, { withFileTypes: true }).catch(nullIfMissing)) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
