import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PipelineSpecSchema } from '../../src/schemas/spec.js';
import { png } from '../support/ascend/make-data.mjs';
import { openFakeSite, perform, type FakeSite, type Performed } from './support/fake-site.js';
import { trainOn, type Trained } from './support/fake-gang.js';

let site: FakeSite;
let weights: Performed['output'];
let convert: Performed['output'];
let images: string;

beforeAll(async () => {
  site = await openFakeSite();
  ({ output: weights } = await perform(site, 'weights'));
  ({ output: convert } = await perform(site, 'convert', { weights }));
  images = join(site.root, 'data/COCO2017/train2017');
  writeFileSync(join(images, 'torn.png'), 'no picture');
  writeFileSync(join(images, LARGE), png(3, 512));
}, 120_000);
afterAll(async () => {
  await site?.remove();
}, 60_000);

const IMAGE = '000000000000.png';
/** As many pixels as an image has at most: about 334 of the 1024 places. */
const LARGE = 'large.png';
const turn = (role: string, content: string) => ({ role, content });
const row = (image: string | null, ...messages: readonly object[]) => ({
  messages,
  images: image === null ? [] : [image],
});
const good = (image: string | null, text: string) =>
  row(image, turn('user', `${image === null ? '' : '<image>'}${text}`), turn('assistant', 'It is blue.'));
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

let files = 0;

/** What the stages of the data say about rows, and what the training does with them when nobody has looked. */
async function tryRows(rows: readonly object[]): Promise<{ stage: string | null; training: Trained }> {
  files += 1;
  const file = join(site.root, `rows-${files}.json`);
  writeFileSync(file, JSON.stringify(rows));
  const set = { name: 'rows', format: 'mllm', annotations: file, images: { path: images } };
  const spec = PipelineSpecSchema.parse({ ...site.spec, data: [set] });
  const data = await perform(site, 'data', {}, spec);
  const check = await perform(site, 'check', { data: data.output }, spec);
  return { stage: data.failed ?? check.failed, training: await train(file) };
}

function train(file: string, change: Parameters<typeof trainOn>[1]['change'] = {}): Promise<Trained> {
  const [load, hf] = [convert.outputs['dcp'] ?? '', convert.outputs['hf'] ?? ''];
  return trainOn(site, { load, hf, data: { outputs: { 'rows.0': file, imageRoot: images } }, change });
}

const said = ({ log }: Trained): string => [0, 1, 2, 3].map((rank) => log(rank, 'err')).join('');

describe('rows that the training notices after it loaded the model', { timeout: 60_000 }, () => {
  it('are none where all is well', async () => {
    const { stage, training } = await tryRows(
      times(8, (index) => good(index % 2 === 0 ? IMAGE : null, `Row ${index}?`)),
    );
    expect({ stage, statuses: training.statuses }).toEqual({ stage: null, statuses: [0, 0] });
  });

  it.each([
    {
      what: 'L3: images that are not there: every sample is skipped, then there is none',
      rows: times(8, (index) => good('gone.png', `Row ${index}?`)),
      stage: /gone\.png/,
      late: /Media gone\.png does not exist in `media_dir`[^]*Skipping invalid sample: \['gone\.png'\][^]*StopIteration/,
    },
    {
      what: 'L8: an image that is no picture',
      rows: times(8, (index) => good('torn.png', `Row ${index}?`)),
      stage: /torn\.png/,
      late: /Skipping invalid sample: [^]*torn\.png[^]*StopIteration/,
    },
    {
      what: 'L4: another number of <image> than of images',
      rows: [row(IMAGE, turn('user', 'none'), turn('assistant', 'no')), ...times(8, () => good(IMAGE, 'Which?'))],
      stage: /<image>/,
      late: /ValueError: The number of images does not match the number of <image> tokens/,
    },
    {
      what: 'L5: turns out of order',
      rows: times(8, () => row(null, turn('assistant', 'first'), turn('user', 'second'))),
      stage: /assistant|order|role/i,
      late: /Invalid role tag in [^]*Skipping this abnormal example\.[^]*StopIteration/,
    },
    {
      what: 'L6: fewer rows than one step of all ranks takes',
      rows: times(3, (index) => good(IMAGE, `Row ${index}?`)),
      stage: /3 rows in all data sets, one step of all ranks takes 4/,
      late: /ZeroDivisionError/,
    },
    {
      what: 'L7: images that are longer than the sequence',
      rows: times(8, (index) => ({
        messages: [turn('user', `${'<image>'.repeat(4)}Row ${index}?`), turn('assistant', 'All are blue.')],
        images: times(4, () => LARGE),
      })),
      stage: /sequence|tokens/,
      late: /ValueError: Image features and image tokens do not match/,
    },
    {
      what: 'no column of images',
      rows: times(8, () => ({ messages: [turn('user', 'a'), turn('assistant', 'b')] })),
      stage: /images/,
      late: /KeyError: 'images'/,
    },
    {
      what: 'rows in the form before the conversion',
      rows: times(8, () => ({
        image: IMAGE,
        conversations: [
          { from: 'human', value: '<image>a' },
          { from: 'gpt', value: 'b' },
        ],
      })),
      stage: /conversations/,
      late: /KeyError: 'messages'/,
    },
  ])('$what: the stage check stops it', async ({ rows, stage, late }) => {
    const tried = await tryRows(rows);
    expect(tried.stage).toMatch(stage);
    expect(tried.training.statuses).toContain(1);
    expect(said(tried.training)).toMatch(late);
    expect(tried.training.log(0, 'out')).toContain('> load model successfully');
    expect(tried.training.iterations).toEqual([]);
  });
});

describe('a data file that Temper would not write', { timeout: 60_000 }, () => {
  const file = (): string => {
    const path = join(site.root, 'good.json');
    writeFileSync(path, JSON.stringify(times(8, (index) => good(null, `Row ${index}?`))));
    return path;
  };
  // L10: a misspelt key. L11: a list with spaces. Temper writes the file, so neither happens; the training notices late.
  it.each([
    [
      '"dataset_dir"',
      '"data_dir"',
      "TypeError: DataArguments.__init__() got an unexpected keyword argument 'data_dir'",
    ],
    ['"template": "glm4v_moe"', '"template": "glm4v"', 'ValueError: Template glm4v does not exist.'],
    ['"drop_last": true', '"drop_last": false', 'It is not implemented that the drop_last is false.'],
    ['good.json', 'good.json, good.json', 'FileNotFoundError: Unable to find'],
  ])('%s as %s ends the training late', async (from, to, text) => {
    const change = {
      file: (path: string, content: string) => (path.endsWith('data.json') ? content.replace(from, to) : content),
    };
    const training = await train(file(), change);
    expect(training.statuses).toContain(1);
    expect(said(training)).toContain(text);
    expect(training.log(0, 'out')).toContain('> load model successfully');
  });

  it('a model file that cannot be read ends the ranks of its host', async () => {
    const change = {
      file: (path: string, content: string) => (path.includes('/h1/') && path.endsWith('model.json') ? '{' : content),
    };
    const training = await train(file(), change);
    expect(training.statuses).toContain(1);
    expect(training.log(2, 'out')).toContain('One or more config files failed to load.');
  });
});
