import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planFromText } from '../../../../src/recipes/plan-from-text.js';
import { dataFile } from '../../../../src/recipes/mindspeed-mm/training/data-file.js';
import { glm45v } from '../../../../src/recipes/mindspeed-mm/recipe.js';
import { REVISIONS } from '../../../../src/recipes/mindspeed-mm/revisions.js';
import { checkMllm } from '../../../../src/host/data/check-mllm.js';
import { convertRows } from '../../../../src/host/data/convert-rows.js';
import { runDataCheck } from '../../../../src/host/data/run-data-check.js';
import { makeZip } from '../../../host/archive/make-zip.js';
import { llava, mllm, png, put, scratchFolder } from '../../../host/data/support.js';
import { dataStage, performData } from '../data/perform.js';
import { guideFacts, guideSpec } from '../training/support.js';

const LLAVA = 'hf-dataset:liuhaotian/LLaVA-Instruct-150K/llava_instruct_150k.json';
const COCO = 'http://images.cocodataset.org/zips/train2017.zip';
const SET = { name: 'llava', format: 'llava', annotations: LLAVA, images: { zip: COCO } };

function steps(data: readonly object[]): (readonly [string, string])[] {
  const { work, check } = dataStage(scratchFolder(), data);
  return [...work.commands, ...check.commands].map(({ step, argv }) => [step, argv.slice(2).join(' ')]);
}

function lintIds(over: object): string[] {
  return glm45v.lint(guideSpec({ ...over })).map(({ id, severity, acceptable }) => `${id} ${severity} ${acceptable}`);
}

describe('the guide, 3.1: download of the data', () => {
  it('COCO2017 is downloaded and unpacked; its archive holds train2017, which names in the rows do not say', () => {
    const found = new Map(steps([SET]));
    expect([...found.keys()]).toEqual([
      'fetch-rows-llava',
      'fetch-zip-llava',
      'unzip-llava',
      'convert-llava',
      'check-llava',
    ]);
    expect(found.get('fetch-zip-llava')).toContain(`fetch ${COCO} --file`);
    expect(found.get('convert-llava')).toContain('--enter-only-folder');
  });

  it('COCO2017 that is unpacked already is a folder', () => {
    const found = new Map(steps([{ ...SET, images: { path: '/data/COCO2017/train2017' } }]));
    expect([...found.keys()]).toEqual(['fetch-rows-llava', 'convert-llava', 'check-llava']);
    expect(found.get('convert-llava')).toContain('--images /data/COCO2017/train2017');
    expect(found.get('convert-llava')).not.toContain('--enter-only-folder');
  });

  it('the annotations are LLaVA-Instruct-150K of liuhaotian, from its hub, from ModelScope or from disk', () => {
    expect(new Map(steps([SET])).get('fetch-rows-llava')).toContain(`fetch ${LLAVA} --file`);
    const there = 'modelscope-dataset:AI-ModelScope/LLaVA-Instruct-150K/llava_instruct_150k.json';
    expect(new Map(steps([{ ...SET, annotations: there }])).get('fetch-rows-llava')).toContain(`fetch ${there} --file`);
    expect(new Map(steps([{ ...SET, annotations: '/data/llava.json' }])).get('convert-llava')).toContain(
      '--annotations /data/llava.json',
    );
  });

  it('python examples/qwen2vl/llava_instruct_2_mllm_demo_format.py: there until June 2026, then elsewhere and with arguments', () => {
    const places = REVISIONS.map(({ date, llavaScript }) => [
      date < '2026-06',
      llavaScript.path,
      llavaScript.takesArguments,
    ]);
    const script = 'llava_instruct_2_mllm_demo_format.py';
    for (const [isOld, ...place] of places)
      expect(place).toEqual(
        isOld === true ? [`examples/qwen2vl/${script}`, false] : [`mindspeed_mm/fsdp/tools/data_tool/${script}`, true],
      );
    expect(new Set(places.map(([isOld]) => isOld)).size).toBe(2);
  });

  it(
    'the tree afterwards: COCO2017/train2017, the annotations and the converted rows lie in the output of the stage',
    { timeout: 60_000 },
    async () => {
      const root = scratchFolder();
      const entries = [{ name: 'train2017/' }, { name: 'train2017/a.png', content: png(64, 48) }];
      const zip = put(root, 'train2017.zip', makeZip(entries));
      const annotations = put(root, 'llava_instruct_150k.json', JSON.stringify([llava('a.png'), llava('a.png')]));
      const { failed, out } = performData(root, [{ ...SET, annotations, images: { zip } }]);
      expect(failed).toBeNull();
      expect(readdirSync(out).toSorted()).toEqual(expect.arrayContaining(['llava.images', 'llava.json']));
      expect(readdirSync(join(out, 'llava.images'))).toEqual(['train2017']);
      expect(readdirSync(join(out, 'llava.images/train2017'))).toEqual(['a.png']);
      // Annotations that are there already stay where they are.
      expect(readFileSync(annotations, 'utf8')).toContain('conversations');
    },
  );

  it('the conversion turns human and gpt into user and assistant, image into images, and keeps the text', async () => {
    const root = scratchFolder();
    put(root, 'train2017/a.jpg', '');
    const options = {
      annotations: put(root, 'l.json', JSON.stringify([llava('a.jpg')])),
      output: join(root, 'm.json'),
    };
    await convertRows({ ...options, imagesDir: join(root, 'train2017'), mediaPrefix: './train2017' });
    expect(JSON.parse(readFileSync(options.output, 'utf8'))).toEqual([
      {
        images: ['./train2017/a.jpg'],
        messages: [
          { role: 'user', content: '<image>\nWhat is it?' },
          { role: 'assistant', content: 'A cat.' },
        ],
      },
    ]);
  });

  it('images are named so that dataset_dir and the name make a file, in every revision', () => {
    const { work, out } = dataStage(scratchFolder(), [SET]);
    const convert = work.commands.find(({ step }) => step === 'convert-llava')?.argv ?? [];
    const prefix = convert[convert.indexOf('--media-prefix') + 1] ?? '';
    expect(join(work.outputs['imageRoot'] ?? '', prefix, 'a.jpg')).toBe(join(out, 'llava.images/a.jpg'));
    // A leading slash would make the loader forget dataset_dir.
    expect(prefix.startsWith('./')).toBe(true);
  });

  it('an image that is not there is counted and shown, not skipped in silence', async () => {
    const root = scratchFolder();
    put(root, 'i/a.jpg', '');
    const annotations = put(root, 'l.json', JSON.stringify([llava('a.jpg'), llava('gone.jpg')]));
    const convert = convertRows({ annotations, imagesDir: join(root, 'i'), output: join(root, 'm.json') });
    await expect(convert).rejects.toThrow(/1 of 2 rows dropped.*gone\.jpg/);
  });
});

describe('the guide, 3.1: several data sets', () => {
  const sets = [
    { ...SET, images: { path: '/d/train2017' } },
    { name: 'more', format: 'llava', annotations: '/d/more.json' },
  ];

  it('are joined by a comma without spaces', () => {
    const { work, out } = dataStage(scratchFolder(), sets);
    const files = [work.outputs['rows.0'] ?? '', work.outputs['rows.1'] ?? ''];
    expect(files).toEqual([join(out, 'llava.json'), join(out, 'more.json')]);
    const data = { files, mediaDir: '/', rows: null };
    expect(dataFile(guideFacts(guideSpec({ data: sets }), { data }))).toMatchObject({
      dataset_param: { basic_parameters: { dataset: files.join(','), dataset_dir: '/' } },
    });
  });

  it.each(['/d/a,b.json', '/d/my rows.json', '/d/wide\u3000space.json'])(
    'a path such as %j is refused by name',
    (annotations) => {
      const lints = glm45v.lint(guideSpec({ data: [{ name: 'x', format: 'mllm', annotations }] }));
      expect(lints).toContainEqual(
        expect.objectContaining({
          id: 'data/comma-in-path',
          severity: 'error',
          acceptable: false,
          path: ['data', 0, 'annotations'],
          what: expect.stringContaining(JSON.stringify(annotations)),
        }),
      );
    },
  );

  it('a workspace with a space is refused by name, for rows are written into it', () => {
    expect(lintIds({ workspace: '/mnt/my share' })).toContain('workspace/comma-in-path error false');
  });

  it('a comma in a remote address is none in a path', () => {
    const data = [{ ...SET, annotations: 'https://example.com/a,b/rows.json' }];
    expect(lintIds({ data })).not.toContain('data/comma-in-path error false');
  });
});

describe('the guide, 3.1: max_samples', () => {
  it('takes the first rows, to try something out quickly: the plan says that such a run is a trial', () => {
    const data = [{ ...SET, maxSamples: 100 }];
    expect(new Map(steps(data)).get('convert-llava')).toContain('--max-samples 100');
    expect(lintIds({ data })).toContain('data/trial warning true');
    const { plan } = planFromText(
      glm45v.template.replace(/^( +)images: .*$/m, '$&\n$1maxSamples: 100').replace('./workspace', '/w'),
      null,
      [],
    );
    expect(plan?.warnings.map(({ what }) => what)).toEqual([expect.stringContaining('the run is a trial')]);
  });

  it('is null for the loader, which dies of more than there are and ignores it for a stream', () => {
    const spec = guideSpec({ data: [{ ...SET, maxSamples: 100 }] });
    expect(dataFile(guideFacts(spec))).toMatchObject({ dataset_param: { basic_parameters: { max_samples: null } } });
  });

  it('larger than the set is an error', async () => {
    const root = scratchFolder();
    const annotations = put(root, 'l.json', JSON.stringify([llava(undefined)]));
    const convert = convertRows({ annotations, output: join(root, 'm.json'), maxSamples: 2 });
    await expect(convert).rejects.toThrow('maxSamples is 2, the file has 1 rows');
  });

  it('left out takes all rows', () => {
    expect(new Map(steps([SET])).get('convert-llava')).not.toContain('--max-samples');
    expect(lintIds({ data: [SET] })).not.toContain('data/trial warning true');
  });
});

describe('the guide, 3.2: text only, or rows with and without images', () => {
  const check = async (rows: readonly object[]) => {
    const root = scratchFolder();
    put(root, 'a.png', png(64, 48));
    return runDataCheck({ file: put(root, 'm.json', JSON.stringify(rows)), images: root });
  };

  it.each([
    ['text only', [mllm([]), mllm([])], 2],
    ['images only', [mllm(['a.png'])], 0],
    ['mixed', [mllm([]), mllm(['a.png'])], 1],
  ])('%s is sound', async (_, rows, textOnly) => {
    expect(await check(rows)).toMatchObject({ ok: true, textOnly, validRows: rows.length });
  });

  it('a row with an image keeps the key image, a row of text may leave it out', async () => {
    const root = scratchFolder();
    put(root, 'i/a.jpg', '');
    const annotations = put(root, 'l.json', JSON.stringify([llava('a.jpg'), llava(undefined)]));
    const report = await convertRows({ annotations, imagesDir: join(root, 'i'), output: join(root, 'm.json') });
    expect(report).toMatchObject({ kept: 2, textOnly: 1 });
  });

  it('the rows of the example are those before the conversion: training would not read them', async () => {
    expect(await check([llava('a.png')])).toMatchObject({
      ok: false,
      problems: [expect.objectContaining({ id: 'data/conversations-format' }), expect.anything()],
    });
  });

  it('a set of text without any images column would stop the loader', async () => {
    const { images: _, ...row } = mllm([]);
    expect(await check([row])).toMatchObject({ ok: false, problems: [{ id: 'data/images-column' }] });
  });

  it('text comes after images, for the loader takes from its first file what an image is', () => {
    const { work, out } = dataStage(scratchFolder(), [
      { name: 'text', format: 'llava', annotations: '/d/text.json' },
      { ...SET, images: { path: '/d/train2017' } },
    ]);
    expect(work.outputs).toMatchObject({ 'rows.0': join(out, 'llava.json'), 'rows.1': join(out, 'text.json') });
  });

  it('the number of placeholders is that of the images', async () => {
    const report = await check([mllm(['a.png', 'a.png']), { ...mllm([]), images: ['a.png'] }]);
    expect(report.problems).toMatchObject([{ id: 'data/placeholder-count', count: 1, examples: [{ row: 1 }] }]);
  });

  it('an image takes about 334 tokens after the loader scaled it, so four of them do not fit', async () => {
    const root = scratchFolder();
    put(root, 'a.png', png(640, 480));
    const of = (count: number) =>
      checkMllm({
        file: put(
          root,
          `${count}.json`,
          JSON.stringify([
            mllm(
              Array.from({ length: count }, () => 'a.png'),
              '',
              'a',
            ),
          ]),
        ),
        imageRoot: root,
        sequenceLength: 1_024,
        worldBatch: 1,
        tokens: { imageMinPixels: 1_024, imageMaxPixels: 262_144, pixelsPerImageToken: 784, charsPerToken: 3.5 },
      });
    expect((await of(3)).problems).toEqual([]);
    expect((await of(4)).problems).toMatchObject([
      { id: 'data/images-exceed-sequence', examples: [{ what: 'about 1340 image tokens, the sequence has 1024' }] },
      { id: 'data/rows-below-batch' },
    ]);
  });
});

describe('the guide, 4.2: streaming', () => {
  it('must be accepted by its id, for it cannot resume', () => {
    const streaming = { train: { dataLoader: { streaming: true } } };
    expect(lintIds(streaming)).toContain('data/streaming-no-resume error true');
  });

  it('has no workers', () => {
    expect(lintIds({ train: { dataLoader: { streaming: true, workers: 4 } } })).toContain(
      'data/streaming-workers error false',
    );
  });
});
