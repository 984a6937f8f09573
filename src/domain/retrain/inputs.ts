import { parseDocument } from 'yaml';
import { fingerprint } from '../fingerprint.js';
import type { FieldPath } from '../spec/finding.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import type { Source } from '../../schemas/plan.js';

const KEEP_LINES = { lineWidth: 0 } as const;
/** As many data sets as a spec may have: spec and plan, which name each, travel in the history of a run. */
const MOST_SETS = 64;

/**
 * Puts files in the place of the data set `name`: one entry per file, numbered from the second on. Answers the text, or
 * why it cannot be.
 */
export function placeFiles(
  specText: string,
  name: string,
  files: readonly string[],
): { text: string } | { why: string; fix?: string } {
  const document = parseDocument(specText);
  const value: unknown = document.toJS();
  const sets = isRecord(value) && Array.isArray(value['data']) ? value['data'].filter(isRecord) : [];
  const index = sets.findIndex((set) => set['name'] === name);
  const set = sets[index];
  if (set === undefined) return { why: `the spec has no data set ${name}` };
  if (!('annotations' in set)) return { why: `data set ${name} reads no file (format ${String(set['format'])})` };
  const taken = new Set(sets.map((one) => one['name']));
  const entries = files.map((annotations, number) => ({
    ...set,
    name: number === 0 ? name : freeName(name, number + 1, taken),
    annotations,
  }));
  const all = [...sets.slice(0, index), ...entries, ...sets.slice(index + 1)];
  if (all.length > MOST_SETS) {
    const room = MOST_SETS - (sets.length - 1);
    return {
      why: `${files.length} files make ${all.length} data sets, and a spec has at most ${MOST_SETS}`,
      fix: `join the rows into at most ${room} files, narrow the pattern, or take the last ones with newest: ${Math.min(room, 63)}; then apply the schedule again`,
    };
  }
  document.set('data', document.createNode(all));
  return { text: document.toString(KEEP_LINES) };
}

/** A name that no other data set has, nor one of an earlier call; the number grows until it is free. */
function freeName(name: string, first: number, taken: Set<unknown>): string {
  for (let number = first; ; number += 1) {
    const free = `${name.slice(0, 36)}-${number}`;
    if (taken.has(free)) continue;
    taken.add(free);
    return free;
  }
}

/** Sets one field of the spec's text. */
export function setField(specText: string, path: FieldPath, value: string): string {
  const document = parseDocument(specText);
  document.setIn(path, value);
  return document.toString(KEEP_LINES);
}

/** Lets a training start from the weights at `source`, whatever the spec named. */
export function setWeights(specText: string, source: string): string {
  const document = parseDocument(specText);
  document.set('weights', document.createNode({ source }));
  return document.toString(KEEP_LINES);
}

/**
 * Fingerprint of what a retrain trains on: the spec with its files replaced by what they hold, so that equal bytes
 * under the path of another day are no change. `startFrom: promoted` leaves the weights out: else each promotion would
 * be a change of its own.
 */
export function inputsFingerprint(
  spec: PipelineSpec,
  recipe: { readonly id: string; readonly version: number },
  sources: readonly { readonly source: Source; readonly digest: string }[],
  startFrom: 'base' | 'promoted',
): string {
  const {
    name: _name,
    workspace: _workspace,
    scratch: _scratch,
    fleet,
    recovery: _recovery,
    accept: _accept,
    ...rest
  } = spec;
  const plain: unknown = structuredClone(rest);
  for (const { source, digest } of sources) replaceAt(plain, source.field.split('.'), `content ${digest}`);
  if (startFrom === 'promoted') replaceAt(plain, ['weights'], 'promoted');
  return fingerprint({
    recipe: recipe.id,
    version: recipe.version,
    world: [fleet.hosts, fleet.npusPerHost],
    spec: plain,
  });
}

function replaceAt(root: unknown, path: readonly string[], value: string): void {
  const parent = path.slice(0, -1).reduce<unknown>((node, part) => (isRecord(node) ? node[part] : undefined), root);
  const last = path.at(-1);
  if (isRecord(parent) && last !== undefined) Object.assign(parent, { [last]: value });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
