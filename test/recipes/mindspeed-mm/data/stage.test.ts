import { preparedSets } from '../../../../src/recipes/mindspeed-mm/data/sets.js';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../src/domain/plan.js';
import { makeManifest } from '../../../../src/host/store/manifest.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import { makeZip } from '../../../host/archive/make-zip.js';
import { llava, mllm, png, put, scratchFolder } from '../../../host/data/support.js';
import { guideSpec } from '../training/support.js';
import { dataStage, load, performData, rowsFile } from './perform.js';

const IMAGE = png(64, 48);

/** Stages whose own parameters differ from those of the guide's spec. */
function changedBy(over: Readonly<Record<string, unknown>>): string[] {
  const key = (spec: ReturnType<typeof guideSpec>) =>
    new Map(makePlan(spec, 'r', glm45v, glm45v.stages(spec), []).stages.map((one) => [one.name, one.fingerprint]));
  const before = key(guideSpec());
  return [...key(guideSpec(over))].flatMap(([name, fingerprint]) => (before.get(name) === fingerprint ? [] : [name]));
}

describe('what is made anew', () => {
  it.each([
    ['another sequence length', { train: { sequenceLength: 2_048 } }],
    ['another micro batch', { train: { microBatchSize: 2 } }],
    ['other bounds of images', { train: { dataLoader: { imageMaxPixels: 100_000 } } }],
    ['other parts of the rows', { train: { dataLoader: { preprocessWorkers: 2 } } }],
  ])('%s: rows and images are judged again, and neither fetched, unpacked nor converted', (_what, over) => {
    expect(changedBy(over)).toEqual(['check', 'train']);
  });

  it('other rows: they are made; what needs them follows by its key', () => {
    expect(changedBy({ data: [{ name: 'x', format: 'mllm', annotations: '/d/x.json' }] })).toEqual(['data']);
  });
});

describe('the stages of the data', { timeout: 60_000 }, () => {
  it('leaves rows whose images the loader finds, from an archive with one folder, text and ready rows together', async () => {
    const root = scratchFolder();
    const zip = put(
      root,
      'train2017.zip',
      makeZip([{ name: 'train2017/' }, { name: 'train2017/a.png', content: IMAGE }]),
    );
    put(root, 'ready/in/b.png', IMAGE);
    const stage = performData(root, [
      { name: 'text', format: 'mllm', annotations: rowsFile(root, 'text.json', [{ ...mllm([], 'text'), id: 7 }]) },
      {
        name: 'coco',
        format: 'llava',
        annotations: rowsFile(root, 'coco.json', [llava('a.png', 'coco'), llava(undefined, 'alone')]),
        images: { zip },
      },
      {
        name: 'ready',
        format: 'mllm',
        annotations: rowsFile(root, 'ready.json', [mllm(['in/b.png'], 'ready')]),
        images: { path: join(root, 'ready') },
      },
    ]);
    expect(stage.failed).toBe(null);
    // Images first: the loader takes from the first file what an image is.
    expect(load(stage)).toEqual([
      {
        images: [join(stage.out, 'coco.images/train2017/a.png')],
        text: '<image>\ncoco|A cat.',
        columns: 'images,messages',
      },
      { images: [], text: 'alone|A cat.', columns: 'images,messages' },
      { images: [join(root, 'ready/in/b.png')], text: '<image>ready|A cat.', columns: 'images,messages' },
      { images: [], text: 'text|A cat.', columns: 'images,messages' },
    ]);
    expect(stage).toMatchObject({ problems: [], facts: { rows: 4, textOnly: 2, images: 2 } });
    expect(stage.facts).not.toHaveProperty('trial');
    const manifest = await makeManifest(stage.out, stage.work.manyFiles);
    // Reports tell times and places; the same rows made again are the same output.
    expect(manifest.map(({ path }) => path)).toEqual(['coco.images', 'coco.json', 'ready.json', 'text.json']);
    expect(await makeManifest(stage.checkOut)).toEqual([]);
    expect(manifest.filter(({ path }) => path.includes('images'))).toMatchObject([
      { path: 'coco.images', files: 1, bytes: IMAGE.length },
    ]);
  });

  it('writes JSON Lines anew, because the loader would take the columns from their first part', () => {
    const set = { name: 'x', format: 'mllm', annotations: '/d/rows.jsonl', images: { path: '/d/images' } } as const;
    expect(preparedSets({ data: [set] })).toMatchObject([{ isWritten: true }]);
    expect(preparedSets({ data: [{ ...set, annotations: '/d/rows.json' }] })).toMatchObject([{ isWritten: false }]);
  });

  it('uses one set of ready rows where it lies, with the folder of its images', () => {
    const root = scratchFolder();
    put(root, 'images/b.png', IMAGE);
    const annotations = rowsFile(root, 'ready.json', [mllm(['b.png']), { ...mllm([]), id: 1 }]);
    const images = { path: join(root, 'images') };
    const stage = performData(root, [{ name: 'ready', format: 'mllm', annotations, images }]);
    expect(stage).toMatchObject({ failed: null, work: { outputs: { 'rows.0': annotations, imageRoot: images.path } } });
    expect(load(stage)[0]?.images).toEqual([join(root, 'images/b.png')]);
  });

  it('takes the first rows of any format, and says that the run is a trial', () => {
    const root = scratchFolder();
    const rows = [mllm([], '1'), mllm([], '2'), mllm([], '3')];
    const set = { name: 'ready', format: 'mllm', annotations: rowsFile(root, 'ready.json', rows) };
    const stage = performData(root, [{ ...set, maxSamples: 2 }]);
    expect(stage).toMatchObject({ failed: null, facts: { rows: 2, trial: true } });
    expect(load(stage).map(({ text }) => text)).toEqual(['1|A cat.', '2|A cat.']);
    expect(performData(root, [{ ...set, maxSamples: 4 }]).failed).toContain('maxSamples is 4, the file has 3 rows');
  });

  it('fails on images that are not there, and keeps the reasons', () => {
    const root = scratchFolder();
    put(root, 'images/a.png', IMAGE);
    const annotations = rowsFile(root, 'rows.json', [llava('a.png'), llava('gone.png')]);
    const set = { name: 'x', format: 'llava', annotations, images: { path: join(root, 'images') } };
    expect(performData(root, [set]).failed).toMatch(/convert-x: [^]*gone\.png/);
    const stage = performData(root, [{ ...set, maxDropped: '50%' }], { fleet: { hosts: 1, npusPerHost: 1 } });
    expect(stage).toMatchObject({ failed: null, problems: [], facts: { rows: 1 } });
    expect(JSON.parse(readFileSync(join(stage.out, 'convert-x.report.json'), 'utf8'))).toMatchObject({
      dropped: 1,
      droppedBy: [{ id: 'data/image-missing', examples: [{ row: 1, what: '"gone.png"' }] }],
    });
  });

  it.each([
    ['<|video|>', '<|image|>'],
    ['<video>', '<audio>'],
  ])('fails on texts that ask for an image, a film or a sound that is not there: %s, %s', (one, other) => {
    const root = scratchFolder();
    const rows = rowsFile(root, 'rows.json', [llava(undefined, `What is ${one}?`), llava(undefined)]);
    const ready = rowsFile(root, 'ready.json', [mllm([], `What is ${other}?`), mllm([])]);
    const failed = (format: string, annotations: string): string | null =>
      performData(root, [{ name: 'x', format, annotations }]).failed;
    expect(failed('llava', rows)).toMatch(/convert-x: [^]*data\/reserved-token 1x/);
    expect(failed('mllm', ready)).toMatch(/check-x: [^]*data\/reserved-token/);
  });

  it('judges lengths after the images were scaled as the loader scales them', () => {
    const root = scratchFolder();
    // 16,000 tokens as it is; about 334 after scaling to the loader's bound.
    put(root, 'images/large.png', png(4_000, 3_200));
    const set = {
      ...{ name: 'x', format: 'llava', images: { path: join(root, 'images') } },
      annotations: rowsFile(root, 'rows.json', [llava('large.png'), llava('large.png')]),
    };
    expect(performData(root, [set])).toMatchObject({ failed: null, problems: [] });
    expect(performData(root, [set], { train: { sequenceLength: 300 } }).failed).toContain(
      'data/images-exceed-sequence',
    );
  });

  it('brings an archive once that two sets share', () => {
    const root = scratchFolder();
    const zip = put(root, 'i.zip', makeZip([{ name: 'a.png', content: IMAGE }]));
    const set = (name: string) => ({
      ...{ name, format: 'llava', images: { zip } },
      annotations: rowsFile(root, `${name}.json`, [llava('a.png', name)]),
    });
    const stage = performData(root, [set('x'), set('y')]);
    expect(stage.failed).toBe(null);
    expect(stage.work.commands.map(({ step }) => step)).toEqual(['unzip-x', 'convert-x', 'convert-y']);
    expect(stage.check.commands.map(({ step }) => step)).toEqual(['check-x', 'check-y']);
    expect(new Set(load(stage).flatMap(({ images }) => images))).toEqual(new Set([join(stage.out, 'x.images/a.png')]));
  });

  it('writes rows that other users can read', () => {
    const root = scratchFolder();
    const set = { name: 'x', format: 'llava', annotations: rowsFile(root, 'rows.json', [llava(undefined)]) };
    const stage = performData(root, [set], { fleet: { hosts: 1, npusPerHost: 1 } });
    expect(statSync(join(stage.out, 'x.json')).mode & 0o777).toBe(0o644);
  });

  it('leaves a text-only set without a folder of images', () => {
    const root = scratchFolder();
    const { work, check } = dataStage(root, [{ name: 'x', format: 'mllm', annotations: '/d/rows.json' }]);
    expect(work.commands).toEqual([]);
    expect(check.commands.map(({ argv }) => argv.includes('--images'))).toEqual([false]);
    expect(work.outputs).toEqual({ 'rows.0': '/d/rows.json', imageRoot: '/' });
  });
});
