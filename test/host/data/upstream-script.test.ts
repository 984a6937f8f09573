import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import { REVISIONS } from '../../../src/recipes/mindspeed-mm/revisions.js';
import { SCRIPT_IMAGES, SCRIPT_ROWS, scriptRow } from './script-rows.js';
import { put, scratchFolder } from './support.js';

/** Where the script of each revision wants its files, and what it writes before image names. */
const PREFIX = { old: './data/COCO2017/train2017', later: './train2017' } as const;

/** The folders that the script has in it, with awkward rows and images. */
function playground(): { readonly cwd: string; readonly images: string; readonly annotations: string } {
  const cwd = scratchFolder();
  const images = join(cwd, 'data/COCO2017/train2017');
  mkdirSync(images, { recursive: true });
  for (const image of SCRIPT_IMAGES) put(images, image, '');
  const annotations = put(cwd, 'data/llava_instruct_150k.json', JSON.stringify(SCRIPT_ROWS.map(([, row]) => row)));
  return { cwd, images, annotations };
}

function ruled(images: string, prefix: string, isTaken: (fate: string) => boolean): (object | null)[] {
  return SCRIPT_ROWS.filter(([, , fate]) => isTaken(fate)).map(([, row]) =>
    scriptRow(row, prefix, (image) => existsSync(join(images, image))),
  );
}

async function converted({ cwd, images, annotations }: ReturnType<typeof playground>, mediaPrefix: string) {
  const output = join(cwd, 'temper.json');
  const report = await convertRows({ annotations, imagesDir: images, output, mediaPrefix, maxDropped: 1 });
  const rows: unknown = JSON.parse(readFileSync(output, 'utf8'));
  return { report, rows };
}

describe("rows that are kept are those of upstream's script", () => {
  it.each(Object.values(PREFIX))('by its rules, with images below %s', async (prefix) => {
    const place = playground();
    const { report, rows } = await converted(place, prefix);
    expect(rows).toEqual(ruled(place.images, prefix, (fate) => fate === 'kept'));
    expect(report.rows).toBe(SCRIPT_ROWS.length);
    expect(report.droppedBy.reduce((sum, { count }) => sum + count, 0)).toBe(report.dropped);
  });

  const checkout = process.env['TEMPER_MINDSPEED_MM'] ?? '';
  const found = REVISIONS.map(({ llavaScript }) => llavaScript).find(({ path }) => existsSync(join(checkout, path)));

  it.skipIf(checkout === '' || found === undefined)('by the script itself, of the checkout that is given', async () => {
    if (found === undefined) throw new Error('the checkout has no script');
    const place = playground();
    const prefix = found.takesArguments ? PREFIX.later : PREFIX.old;
    const said = execFileSync('python3', [join(checkout, found.path)], { cwd: place.cwd, encoding: 'utf8' });
    expect(said).toContain('finish converting dataset');
    const written = join(dirname(place.annotations), 'mllm_format_llava_instruct_data.json');
    const theirs: unknown = JSON.parse(readFileSync(written, 'utf8'));
    // The rules above are the script's.
    expect(theirs).toEqual(ruled(place.images, prefix, (fate) => fate !== 'left out'));
    const { rows } = await converted(place, prefix);
    expect(rows).toEqual(ruled(place.images, prefix, (fate) => fate === 'kept'));
  });

  it.skipIf(checkout === '' || found === undefined)('the script cannot run twice, Temper can', async () => {
    if (found === undefined) throw new Error('the checkout has no script');
    const place = playground();
    const run = (): void =>
      void execFileSync('python3', [join(checkout, found.path)], { cwd: place.cwd, stdio: 'pipe' });
    run();
    expect(run).toThrow('FileExistsError');
    await converted(place, '');
    await expect(converted(place, '')).resolves.toBeDefined();
  });
});
