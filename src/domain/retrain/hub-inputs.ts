import type { PipelineSpec } from '../../schemas/spec.js';
import { parseRemote, showRemote, type HubSource } from '../remote-source.js';
import type { FieldPath } from '../spec/finding.js';
import { setField } from './inputs.js';

/** A place of a spec that names files of a hub, with the revision that is meant there. */
export interface HubField {
  readonly path: FieldPath;
  readonly source: HubSource;
}

/**
 * The hub sources of the weights (`weights`), or of a data set by its name. A text is why there are none whose revision
 * could be looked up.
 */
export function hubFields(spec: PipelineSpec, input: string): readonly HubField[] | string {
  if (input === 'weights') {
    const { source, revision } = spec.weights;
    const read = parseRemote(source);
    if (typeof read === 'string' || read.kind !== 'hub' || read.hub !== 'hf') return noCommits(source);
    return [{ path: ['weights', 'source'], source: { ...read, revision: revision ?? read.revision } }];
  }
  const index = spec.data.findIndex(({ name }) => name === input);
  const set = spec.data[index];
  if (set === undefined) return `the spec has no data set ${input}`;
  if (!('annotations' in set)) return `data set ${input} reads nothing from a hub (format ${set.format})`;
  const named: readonly (readonly [FieldPath, string | undefined])[] = [
    [['data', index, 'annotations'], set.annotations],
    [['data', index, 'images', 'zip'], set.images?.zip],
    [['data', index, 'images', 'hub'], set.images?.hub],
  ];
  const fields = named.flatMap(([path, text]) => {
    const source = text === undefined ? null : parseRemote(text);
    return source === null || typeof source === 'string' || source.kind !== 'hub' ? [] : [{ path, source }];
  });
  const other = fields.find(({ source }) => source.hub !== 'hf');
  if (other !== undefined) return noCommits(showRemote(other.source));
  return fields.length > 0 ? fields : `data set ${input} reads nothing from a hub`;
}

/** The text of a spec whose field names one commit: what a run reads does not change while it is under way. */
export function pinCommit(specText: string, { path, source }: HubField, commit: string): string {
  if (path[0] === 'weights') {
    const bare = setField(specText, path, showRemote({ ...source, revision: null }));
    return setField(bare, ['weights', 'revision'], commit);
  }
  return setField(specText, path, showRemote({ ...source, revision: commit }));
}

function noCommits(source: string): string {
  return `the revision of ${source} cannot be looked up: only hf: and hf-dataset: sources name commits`;
}
