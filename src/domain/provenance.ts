import type { AttemptRecord } from '../schemas/attempt.js';
import type { Incident } from '../schemas/incident.js';
import type { Provenance } from '../schemas/provenance.js';
import type { Receipt } from '../schemas/receipt.js';
import type { PipelineSpec } from '../schemas/spec.js';
import { parseRemote, showRemote, isRemote } from './remote-source.js';

/** What the provenance of an exported model follows from. */
export interface ProvenanceFacts {
  readonly temper: string;
  readonly run: string;
  readonly recipe: { readonly id: string; readonly version: number };
  readonly specDigest: string;
  readonly spec: PipelineSpec;
  readonly receipts: {
    readonly weights: Receipt;
    readonly data: Receipt;
    /** Of the stage that counts rows and images; null in recipes whose stage data does. */
    readonly check: Receipt | null;
    readonly train: Receipt;
  };
  /** Attempts of the training, and all incidents of the run that trained. */
  readonly attempts: readonly AttemptRecord[];
  readonly incidents: readonly Incident[];
  readonly versions: Readonly<Record<string, string>>;
  readonly frozen: readonly string[];
  readonly exported: { readonly tensors: number; readonly bytes: number };
}

/** What a model was made from. Equal facts give equal bytes: the export of the same training is the same export. */
export function provenanceOf(facts: ProvenanceFacts): Provenance {
  const { temper, run, recipe, specDigest, spec, receipts, attempts, versions, exported } = facts;
  return {
    v: 1,
    temper,
    run,
    recipe: { id: recipe.id, version: recipe.version },
    specDigest,
    trial: isTrial(spec),
    base: {
      source: publicSource(spec.weights.source),
      reduceLayers: spec.weights.reduceLayers ?? null,
      ...identityOf(receipts.weights),
      ...continuedFrom(attempts),
    },
    data: {
      ...identityOf(receipts.data),
      sets: spec.data.map((set) => ({
        name: set.name,
        format: set.format,
        source: set.format === 'synthetic' ? 'made by the recipe' : publicSource(set.annotations),
        ...imagesOf(set),
      })),
      rows: countOf(receipts.check ?? receipts.data, 'rows'),
      images: countOf(receipts.check ?? receipts.data, 'images'),
    },
    // A version that is a path would name a folder of the machine.
    software: Object.fromEntries(Object.entries(versions).filter(([, version]) => !version.includes('/'))),
    training: trainingOf(facts),
    export: { dtype: spec.export.dtype, ...exported },
  };
}

/** Whether a run tries something out on a part of its data. */
export function isTrial({ data }: Pick<PipelineSpec, 'data'>): boolean {
  return data.some((set) => set.format !== 'synthetic' && set.maxSamples !== undefined);
}

/**
 * A source as strangers may read it: hubs by name; of an address, and of a folder or file of the hosts, the last name
 * only, because hosts and folders of an address may be inner ones or hold keys. What it held is told by digests.
 */
export function publicSource(text: string): string {
  if (isRemote(text)) {
    const remote = parseRemote(text);
    if (typeof remote === 'string') return 'an address';
    if (remote.kind === 'hub') return showRemote(remote);
    const name = lastName(new URL(remote.url).pathname);
    return name === '' ? 'an address' : `url:${name}`;
  }
  const local = /^(path|dcp|seed):(.*)$/su.exec(text);
  const [, kind = 'path', place = text] = local ?? [];
  if (kind === 'seed') return text;
  return `${kind}:${lastName(place)}`;
}

function imagesOf(set: PipelineSpec['data'][number]): { images?: string } {
  if (set.format === 'synthetic') return {};
  const source = set.images?.zip ?? set.images?.hub ?? set.images?.path;
  return source === undefined ? {} : { images: publicSource(source) };
}

function lastName(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? '';
}

/** What the first attempt began with, where a person named a checkpoint; later ones go on from their own. */
function continuedFrom([first]: readonly AttemptRecord[]): Pick<Provenance['base'], 'continuedFrom'> {
  const { iteration, digest } = first?.load ?? {};
  return iteration === undefined || digest === undefined ? {} : { continuedFrom: { iteration, digest } };
}

function trainingOf({ spec, receipts, attempts, incidents, frozen }: ProvenanceFacts): Provenance['training'] {
  const { train, fleet } = spec;
  const numbers = new Set(attempts.map(({ attempt }) => attempt));
  const restarts = incidents.flatMap(({ attempt, at, verdict, reaction, resumedFrom }) =>
    attempt === null || !numbers.has(attempt) ? [] : [{ attempt, at, cause: verdict.cause, reaction, resumedFrom }],
  );
  return {
    key: receipts.train.key,
    finishedAt: receipts.train.finishedAt,
    iterations: train.iterations,
    hosts: fleet.hosts,
    ranksPerHost: fleet.npusPerHost,
    microBatchSize: train.microBatchSize,
    gradientAccumulation: train.gradientAccumulation,
    sequenceLength: train.sequenceLength,
    learningRate: train.learningRate,
    loss: train.loss?.type ?? null,
    frozen: [...frozen],
    firstLoss: numberOf(receipts.train, 'firstLoss'),
    lastLoss: numberOf(receipts.train, 'lastLoss'),
    attempts: attempts.length,
    restarts,
  };
}

function identityOf({ key, digest, facts }: Receipt): { key: string; digest: string; commits: string[] } {
  const { commits } = facts;
  return { key, digest, commits: typeof commits === 'string' ? commits.split(', ').map(publicCommit) : [] };
}

/** `SOURCE COMMIT`, as the receipts of downloads hold it. */
function publicCommit(text: string): string {
  const at = text.lastIndexOf(' ');
  return at < 0 ? text : `${publicSource(text.slice(0, at))} ${text.slice(at + 1)}`;
}

function numberOf({ facts }: Receipt, name: string): number | null {
  const value = facts[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function countOf(receipt: Receipt, name: string): number | null {
  const value = numberOf(receipt, name);
  return value === null ? null : Math.trunc(value);
}
