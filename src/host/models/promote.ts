import { nullIfMissing } from '../system-error.js';
import { TemperError } from '../../domain/errors.js';
import type { ModelChange, PromotedModel, ModelVersion } from '../../schemas/models.js';
import type { Metrics } from '../../schemas/retrain.js';
import { readCandidate } from './candidate.js';
import { decide, readChanges } from './changes.js';
import { modelDir } from './paths.js';
import { settle } from './pointer.js';
import { keepVersion, listVersions, makeVersion, readVersion, removeVersion } from './versions.js';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Who decides, and why. */
export interface Decider {
  readonly by: string;
  readonly why: string;
}

/** A model that somebody wants to make the current one. */
export interface Promotion extends Decider {
  readonly workspace: string;
  readonly model: string;
  readonly run: string;
  /** Of the retrain that decides; null: a person does. */
  readonly token: string | null;
  /** Current model that the decision was made against; null: there was none; undefined: a person, who wants it anyway. */
  readonly expected?: number | null;
  readonly fingerprint: string | null;
  readonly startedFrom: number | null;
  readonly metrics: Metrics | null;
}

/** What a promotion came to. */
export type Promoted =
  | { readonly isPromoted: true; readonly version: ModelVersion; readonly changes: readonly ModelChange[] }
  | { readonly isPromoted: false; readonly why: string };

/**
 * Makes a run's model the current one. With `expected` it is a compare and swap, and a repeated call with the same
 * token answers what the first one did, also when a person decided otherwise since.
 */
export async function promote(promotion: Promotion): Promise<Promoted> {
  const { workspace, model, run, token, expected, fingerprint, startedFrom, metrics, by, why } = promotion;
  for (;;) {
    const changes = await settle(workspace, model);
    const current = changes.at(-1)?.to ?? null;
    const earlier = token === null ? undefined : changes.find((change) => change.token === token);
    if (earlier !== undefined) {
      const version = await readVersion(workspace, model, earlier.to);
      return version === null
        ? { isPromoted: false, why: `model ${earlier.to} was promoted and given up since` }
        : { isPromoted: true, version, changes };
    }
    if (expected !== undefined && current !== expected) {
      return {
        isPromoted: false,
        why: `the current model became ${current ?? 'none'} while this one was compared with ${expected ?? 'none'}`,
      };
    }
    const { recipe, specDigest, export: exported } = await readCandidate(workspace, run);
    const at = new Date().toISOString();
    const facts = { model, run, recipe, specDigest, fingerprint, startedFrom, export: exported, metrics, at };
    const version = await makeVersion(
      workspace,
      facts,
      changes.map(({ to }) => to),
    );
    // The run made the current model again: there is nothing to decide.
    if (version.version === current) return { isPromoted: true, version, changes };
    const isDecided = await decide(workspace, {
      ...{ v: 1, model, number: (changes.at(-1)?.number ?? 0) + 1, action: 'promote', from: current },
      ...{ to: version.version, run, rejected: null, token, by, why, at },
    });
    if (isDecided) {
      await keepVersion(workspace, version);
      return { isPromoted: true, version, changes: await settle(workspace, model) };
    }
    const isNew = !changes.some(({ to }) => to === version.version);
    const isTaken = (await readChanges(workspace, model)).some(({ to }) => to === version.version);
    if (isNew && !isTaken && expected !== undefined) await removeVersion(workspace, model, version.version);
  }
}

/** Makes an earlier model current again: the one before the current, or the one that is named. */
export async function rollBack(
  workspace: string,
  model: string,
  { to, by, why }: Decider & { readonly to: number | null },
): Promise<ModelChange> {
  for (;;) {
    const changes = await settle(workspace, model);
    const current = changes.at(-1);
    if (current === undefined) throw notFound(workspace, model);
    const target = to ?? changes.findLast((one) => one.action === 'promote' && one.to === current.to)?.from ?? null;
    const where = modelDir(workspace, model);
    if (target === null) {
      throw new TemperError('PromotionRefused', { where, what: `there is no model before ${current.to} of ${model}` });
    }
    if (target === current.to) return current;
    const version = await readVersion(workspace, model, target);
    if (version === null || !changes.some((one) => one.to === target)) {
      const there = (await listVersions(workspace, model)).map((one) => one.version);
      throw new TemperError('PromotionRefused', {
        where,
        what: `${model} has no model ${target} any more`,
        fix: `choose one of ${there.join(', ')}`,
      });
    }
    const given = await readVersion(workspace, model, current.to);
    const change: ModelChange = {
      ...{ v: 1, model, number: current.number + 1, action: 'rollback', from: current.to, to: target },
      ...{ run: version.run, rejected: given?.fingerprint ?? null, token: null, by, why, at: new Date().toISOString() },
    };
    if (!(await decide(workspace, change))) continue;
    await keepVersion(workspace, version);
    await settle(workspace, model);
    return change;
  }
}

/** What is known of a model. Carries out what a killed decider left. */
export async function reportModel(workspace: string, model: string): Promise<PromotedModel> {
  const changes = await settle(workspace, model);
  if (changes.length === 0) throw notFound(workspace, model);
  const named = new Set(changes.map(({ to }) => to));
  const versions = (await listVersions(workspace, model)).filter(({ version }) => named.has(version));
  return {
    v: 1,
    model,
    current: changes.at(-1)?.to ?? null,
    path: join(modelDir(workspace, model), 'current', 'hf'),
    versions: versions.reverse(),
    history: changes.slice(-100).reverse(),
  };
}

/** Names of the models of a workspace that were ever promoted. */
export async function listModels(workspace: string): Promise<string[]> {
  const entries = (await readdir(join(workspace, 'models'), { withFileTypes: true }).catch(nullIfMissing)) ?? [];
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const models: string[] = [];
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1)))
    if ((await readChanges(workspace, name)).length > 0) models.push(name);
  return models;
}

/**
 * Fingerprints of inputs whose model was rolled back and not promoted again since: the next retrain must not bring it
 * back by itself.
 */
export function rejectedInputs(changes: readonly ModelChange[]): ReadonlyMap<string, number> {
  const rejected = new Map<string, number>();
  for (const change of changes) {
    if (change.action === 'rollback' && change.rejected !== null && change.from !== null)
      rejected.set(change.rejected, change.from);
    for (const [fingerprint, version] of rejected) if (version === change.to) rejected.delete(fingerprint);
  }
  return rejected;
}

function notFound(workspace: string, model: string): TemperError {
  return new TemperError('ModelNotFound', {
    where: modelDir(workspace, model),
    what: `no model ${model} was promoted in this workspace`,
  });
}
