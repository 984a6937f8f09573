import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../domain/errors.js';
import type { ModelWish } from '../domain/model-config.js';
import { isRemote } from '../domain/remote-source.js';
import { FetchManifestSchema, type FetchManifest } from '../schemas/fetch.js';
import type { DataSource } from '../schemas/spec-data.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { Command, Facts, StageFacts, StageWork } from './recipe.js';

/** Commands that bring something to the hosts, and what they leave. */
export interface Fetched {
  /** To run before `path` is used; none for what is on the hosts already. */
  readonly commands: readonly Command[];
  /** Absolute path of the file or folder. */
  readonly path: string;
  /** Names, relative to `out`, of the manifests that the commands write; `StageWork.factFiles` takes them. */
  readonly manifests: readonly string[];
}

/** Ids of the same models on both hubs: Hugging Face's to ModelScope's. */
export type HubIds = Readonly<Record<string, string>>;

type Place = Pick<StageFacts, 'spec' | 'tools' | 'out'>;

/**
 * Downloads the model of a `weights.source` of a hub into `out/hf`, verified and checked as a model folder; null
 * for a source that is no hub's.
 */
export function fetchWeights(facts: Place, ids: HubIds = {}, wish: ModelWish | null = null): Fetched | null {
  const { source, revision } = facts.spec.weights;
  if (!isRemote(source)) return null;
  const at = revision === undefined ? '' : `@${revision}`;
  return fetched(facts, 'fetch-weights', 'hf', [`${withHubId(source, ids)}${at}`, '--model', ...wishArgs(wish)]);
}

/** Options of Temper's own commands that say which model is needed. */
export function wishArgs(wish: ModelWish | null): string[] {
  if (wish === null) return [];
  const { modelType, section, layers } = wish;
  return ['--type', modelType, '--section', section, ...(layers === null ? [] : ['--layers', String(layers)])];
}

/** Downloads the rows of a data set to `out/<name>.rows.json`; a path stays where it is. */
export function fetchAnnotations(facts: Place, set: Exclude<DataSource, { format: 'synthetic' }>): Fetched {
  const { name, annotations, annotationsSha256 } = set;
  if (!isRemote(annotations)) return { commands: [], path: annotations, manifests: [] };
  return fetched(facts, `fetch-rows-${name}`, `${name}.rows.json`, [annotations, '--file', ...sha(annotationsSha256)]);
}

/** Brings the images of a data set into `out/<name>.images`; null for a data set without images. */
export function fetchImages(facts: Place, set: Exclude<DataSource, { format: 'synthetic' }>): Fetched | null {
  const { name, images } = set;
  if (images === undefined) return null;
  if (images.hub !== undefined) return fetched(facts, `fetch-images-${name}`, `${name}.images`, [images.hub]);
  if (images.zip === undefined) return { commands: [], path: images.path ?? facts.out, manifests: [] };
  const isFar = isRemote(images.zip);
  const archive = isFar
    ? fetched(facts, `fetch-zip-${name}`, `${name}.zip`, [images.zip, '--file', ...sha(images.zipSha256)])
    : { commands: [], path: images.zip, manifests: [] };
  const path = join(facts.out, `${name}.images`);
  const given = isFar ? [] : sha(images.zipSha256);
  // A downloaded archive stays in the cache of downloads; in the output it would only take its size twice.
  const remove = isFar ? ['--remove-zip'] : [];
  const unzip = temper(facts, `unzip-${name}`, ['unzip', archive.path, '--output', path, ...given, ...remove]);
  return { commands: [...archive.commands, unzip], path, manifests: archive.manifests };
}

/** Small facts of what was fetched, for the stage's receipt. */
export function fetchFacts(manifests: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  const parsed = z.array(FetchManifestSchema).safeParse(manifests);
  if (!parsed.success) {
    const why = parsed.error.message;
    return { facts: {}, problems: [problem('ProofFailed', { what: 'a fetch manifest has an unknown form', why })] };
  }
  const commits = parsed.data
    .filter(({ source }) => !/^https?:/i.test(source))
    .map(({ source, commit }) => `${source} ${commit ?? '(the hub tells no commit)'}`);
  const facts: Facts = {
    files: parsed.data.reduce((sum, { files }) => sum + files.length, 0),
    bytes: parsed.data.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(commits.length === 0 ? {} : { commits: commits.join(', ') }),
    ...Object.fromEntries(movingRevisions(parsed.data).map((text, index) => [`warning ${index + 1}`, text])),
  };
  return { facts, problems: [] };
}

/** A revision that was named and is no commit may be another one tomorrow. */
function movingRevisions(manifests: readonly FetchManifest[]): string[] {
  return manifests.flatMap(({ source, commit }) => {
    const revision = /^[a-z-]+:[^@/]+\/[^@/]+@([^/]+)/.exec(source)?.[1];
    if (revision === undefined || commit === null || revision.toLowerCase() === commit) return [];
    return [`${source}: ${revision} may move, it is ${commit} now; name that commit to train with the same again`];
  });
}

/** Variables with the tokens of hubs; their values reach the download and nothing else. */
const TOKENS = { hf: 'HF_TOKEN', modelscope: 'MODELSCOPE_API_TOKEN' } as const;

function fetched(facts: Place, step: string, name: string, args: readonly string[]): Fetched {
  const path = join(facts.out, name);
  const manifest = `${name}.origin.json`;
  const cache = join(facts.spec.workspace, 'downloads');
  const where = ['--output', path, '--cache', cache, '--manifest', join(facts.out, manifest)];
  const offline = facts.spec.environment.offline === true ? ['--offline'] : [];
  return { commands: [temper(facts, step, ['fetch', ...args, ...where, ...offline])], path, manifests: [manifest] };
}

/** Temper's own work under a keeper: it keeps the worker's event loop free and survives the worker. */
function temper({ tools, out }: Place, step: string, args: readonly string[]): Command {
  const source = args[1] ?? '';
  const token = source.startsWith('hf') ? [TOKENS.hf] : source.startsWith('modelscope') ? [TOKENS.modelscope] : [];
  const argv = [tools.node, tools.temper, ...args];
  return { step, argv, cwd: out, env: {}, ...(token.length === 0 ? {} : { secretEnv: token }) };
}

function withHubId(source: string, ids: HubIds): string {
  const [hub = '', id = ''] = source.split(':');
  return hub === 'modelscope' ? `${hub}:${ids[id] ?? id}` : source;
}

function sha(hex: string | undefined): string[] {
  return hex === undefined ? [] : ['--sha256', hex];
}

/** Every remote source of a spec with its field, in the order of the spec. */
export function remoteSources({
  weights,
  data,
}: Pick<PipelineSpec, 'weights' | 'data'>): { readonly path: readonly (string | number)[]; readonly source: string }[] {
  const all = [
    { path: ['weights', 'source'], source: weights.source },
    ...data.flatMap((set, index) =>
      set.format === 'synthetic'
        ? []
        : [
            { path: ['data', index, 'annotations'], source: set.annotations },
            { path: ['data', index, 'images', 'zip'], source: set.images?.zip ?? '' },
            { path: ['data', index, 'images', 'hub'], source: set.images?.hub ?? '' },
          ],
    ),
  ];
  return all.filter(({ source }) => isRemote(source));
}
