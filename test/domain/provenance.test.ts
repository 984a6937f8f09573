import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { provenanceOf, publicSource, type ProvenanceFacts } from '../../src/domain/provenance.js';
import { IncidentSchema } from '../../src/schemas/incident.js';
import { ProvenanceSchema } from '../../src/schemas/provenance.js';
import { ReceiptSchema, type Receipt } from '../../src/schemas/receipt.js';
import { PipelineSpecSchema } from '../../src/schemas/spec.js';
import type { AttemptRecord } from '../../src/schemas/attempt.js';

const FORMATS = new URL('../fixtures/formats/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}/v1.json`, FORMATS), 'utf8'));
const INCIDENT = IncidentSchema.parse(fixture('incident'));

const spec = (over: object = {}) =>
  PipelineSpecSchema.parse({
    apiVersion: 'temper/v1',
    name: 'shapes',
    recipe: 'cpu-tiny',
    workspace: '/home/someone/private/workspace',
    fleet: { hosts: 2, npusPerHost: 4 },
    weights: { source: 'path:/home/someone/models/base' },
    data: [{ name: 'rows', format: 'mllm', annotations: '/home/someone/secret-project/rows.json' }],
    train: { iterations: 40, learningRate: 0.001, checkpoint: { every: 10 } },
    ...over,
  });

const receipt = (stage: Receipt['stage'], facts: Receipt['facts'] = {}): Receipt =>
  ReceiptSchema.parse({
    v: 1,
    stage,
    key: `key-${stage}`,
    dir: `/home/someone/${stage}`,
    outputs: {},
    facts,
    manifest: [],
    digest: `digest-${stage}`,
    madeBy: { run: 'shapes', host: 'host-with-a-name', owner: 'o', tryNumber: 1 },
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-02T00:00:00.000Z',
  });

const attempt = (number: number): AttemptRecord => ({
  v: 1,
  attempt: number,
  run: 'shapes',
  key: 'key-train',
  lease: number,
  hosts: ['host-with-a-name'],
  masterAddress: '10.0.0.7',
  masterPort: 6000,
  load: { path: '/home/someone/load', iteration: null },
  refused: [],
  at: '2026-01-01T00:00:00.000Z',
});

const FACTS: ProvenanceFacts = {
  temper: '1.2.3',
  run: 'shapes',
  recipe: { id: 'cpu-tiny', version: 3 },
  specDigest: 'abc',
  spec: spec(),
  receipts: {
    weights: receipt('weights'),
    data: receipt('data', { rows: 500, images: 20 }),
    check: null,
    train: receipt('train', { firstLoss: 3.5, lastLoss: 0.5 }),
  },
  attempts: [attempt(1), attempt(2)],
  incidents: [
    { ...INCIDENT, attempt: 1, resumedFrom: 20 },
    { ...INCIDENT, attempt: 9 },
    { ...INCIDENT, attempt: null },
  ],
  versions: { torch: '2.7.1', toolkit: '/opt/private/toolkit' },
  frozen: ['visual.blocks'],
  exported: { tensors: 13, bytes: 632 },
};

describe('the provenance of an exported model', () => {
  it('tells revisions, digests, counts, losses, and the restarts of its own training with their causes', () => {
    const made = provenanceOf(FACTS);
    expect(ProvenanceSchema.parse(made)).toEqual(made);
    expect(made).toMatchObject({
      temper: '1.2.3',
      recipe: { id: 'cpu-tiny', version: 3 },
      trial: false,
      base: { source: 'path:base', digest: 'digest-weights' },
      data: { digest: 'digest-data', rows: 500, images: 20 },
      software: { torch: '2.7.1' },
      training: { iterations: 40, firstLoss: 3.5, lastLoss: 0.5, attempts: 2 },
      export: { dtype: 'bf16', tensors: 13 },
    });
    expect(made.training.restarts).toEqual([
      {
        attempt: 1,
        at: INCIDENT.at,
        cause: INCIDENT.verdict.cause,
        reaction: INCIDENT.reaction,
        resumedFrom: 20,
      },
    ]);
  });

  it('holds no path, host or address of the machines', () => {
    const text = JSON.stringify(provenanceOf(FACTS));
    for (const secret of ['someone', 'private', 'host-with-a-name', '10.0.0.7', INCIDENT.verdict.sentence])
      expect(text).not.toContain(secret);
  });

  it('is equal for equal facts, so that the same training gives the same export', () => {
    expect(provenanceOf(FACTS)).toEqual(provenanceOf(structuredClone(FACTS)));
  });

  it('tells the checkpoint of another training that the first attempt went on from', () => {
    const first = {
      ...attempt(1),
      load: { path: '/home/someone/other/iter_0000500', iteration: 500, digest: 'd-500' },
    };
    const made = provenanceOf({ ...FACTS, attempts: [first, attempt(2)] });
    expect(ProvenanceSchema.parse(made).base.continuedFrom).toEqual({ iteration: 500, digest: 'd-500' });
    expect(JSON.stringify(made)).not.toContain('someone');
    expect(provenanceOf(FACTS).base).not.toHaveProperty('continuedFrom');
  });

  it('tells where images came from, by their last name', () => {
    const set = { name: 'rows', format: 'mllm', annotations: '/d/rows.json' };
    const told = (images: object): unknown =>
      provenanceOf({ ...FACTS, spec: spec({ data: [{ ...set, images }] }) }).data.sets[0]?.images;
    expect(told({ zip: 'https://files.inner.example/k3y/train2017.zip' })).toBe('url:train2017.zip');
    expect(told({ path: '/home/someone/images' })).toBe('path:images');
    expect(told({ hub: 'hf-dataset:o/n/images' })).toBe('hf-dataset:o/n/images');
    expect(provenanceOf(FACTS).data.sets[0]).not.toHaveProperty('images');
  });

  it('marks a trial', () => {
    const data = [{ name: 'rows', format: 'mllm', annotations: '/d/rows.json', maxSamples: 8 }];
    expect(provenanceOf({ ...FACTS, spec: spec({ data }) }).trial).toBe(true);
  });

  it('takes the counts from the stage that judges the rows, where there is one', () => {
    const check = receipt('check', { rows: 480, images: 19 });
    const made = provenanceOf({ ...FACTS, receipts: { ...FACTS.receipts, check } });
    expect(made.data).toMatchObject({ rows: 480, images: 19, digest: 'digest-data' });
  });

  it('names commits of hubs, and null for a loss that was no number', () => {
    const weights = receipt('weights', { commits: 'hf:o/m 0123abc, https://h.example/a?sig=1 4567def' });
    const train = receipt('train', { firstLoss: null });
    const made = provenanceOf({ ...FACTS, receipts: { ...FACTS.receipts, weights, train } });
    expect(made.base.commits).toEqual(['hf:o/m 0123abc', 'an address 4567def']);
    expect(made.training).toMatchObject({ firstLoss: null, lastLoss: null });
  });
});

describe('a source as strangers may read it', () => {
  it.each([
    ['hf:zai-org/GLM-4.5V', 'hf:zai-org/GLM-4.5V'],
    ['hf-dataset:o/n@main/rows.json', 'hf-dataset:o/n@main/rows.json'],
    ['https://files.inner.example/k3y/rows.json?version=3', 'url:rows.json'],
    ['https://files.inner.example/', 'an address'],
    ['https://me:pass@files.example/rows.json', 'an address'],
    ['path:/home/someone/models/base/', 'path:base'],
    ['dcp:/home/someone/dcp', 'dcp:dcp'],
    ['/home/someone/rows.json', 'path:rows.json'],
    ['seed:7', 'seed:7'],
  ])('%s is %s', (text, told) => {
    expect(publicSource(text)).toBe(told);
  });
});
