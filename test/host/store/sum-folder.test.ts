import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { computeKey } from '../../../src/host/store/digests.js';
import { findChange, makeManifest, manifestDigest } from '../../../src/host/store/manifest.js';
import type { StagePlan } from '../../../src/schemas/plan.js';
import { put, scratchFolder } from '../data/support.js';

function output(): string {
  const out = scratchFolder();
  put(out, 'rows.json', '[]');
  for (let index = 0; index < 50; index += 1) put(out, `coco.images/train2017/${index}.jpg`, 'x'.repeat(index));
  return out;
}

describe('a folder of very many files', () => {
  it('is one entry of the manifest, with the number and bytes of its files', async () => {
    const manifest = await makeManifest(output(), ['coco.images']);
    expect(manifest).toMatchObject([{ path: 'coco.images', files: 50, bytes: 1225 }, { path: 'rows.json' }]);
  });

  it('has one digest whenever it was made', async () => {
    const [first, second] = [output(), output()];
    utimesSync(join(second, 'coco.images/train2017/7.jpg'), 1, 1);
    const digests = [first, second].map(async (out) => manifestDigest(await makeManifest(out, ['coco.images'])));
    expect(new Set(await Promise.all(digests)).size).toBe(1);
  });

  const image = (out: string, name: string): string => join(out, 'coco.images/train2017', name);
  it.each([
    ['gone', (out: string) => unlinkSync(image(out, '7.jpg'))],
    ['cut', (out: string) => writeFileSync(image(out, '7.jpg'), 'x')],
    ['renamed', (out: string) => renameSync(image(out, '7.jpg'), image(out, '70.jpg'))],
    ['added', (out: string) => writeFileSync(image(out, 'new.jpg'), '')],
    [
      'replaced by a link to nothing',
      (out: string) => {
        unlinkSync(image(out, '7.jpg'));
        symlinkSync('nothing', image(out, '7.jpg'));
      },
    ],
    ['all gone', (out: string) => rmSync(join(out, 'coco.images/train2017'), { recursive: true })],
    ['gone with their folder', (out: string) => rmSync(join(out, 'coco.images'), { recursive: true })],
  ])('is found changed when images are %s', async (_, change) => {
    const out = output();
    const manifest = await makeManifest(out, ['coco.images']);
    expect(await findChange(out, manifest)).toBe(null);
    change(out);
    expect(await findChange(out, manifest)).toContain('coco.images');
  });

  it('enters the key of a stage that reads it by names, sizes and times', async () => {
    const dir = join(scratchFolder(), 'images');
    mkdirSync(dir);
    writeFileSync(join(dir, 'a.jpg'), 'a');
    const stage: StagePlan = {
      name: 'data',
      title: 't',
      needs: [],
      placement: 'anyHost',
      fingerprint: 'f',
      programs: [],
      sources: [{ field: 'data.0.images.path', path: dir, kind: 'manyFiles' }],
      resources: { diskBytes: 0, ramBytes: 0 },
      timeoutMs: 1,
    };
    const key = () => computeKey(stage, [], '/');
    const first = await key();
    expect(await key()).toBe(first);
    // Another image of the same size, as uncompressed ones have.
    utimesSync(join(dir, 'a.jpg'), 1, 1);
    const second = await key();
    expect(second).not.toBe(first);
    writeFileSync(join(dir, 'b.jpg'), '');
    expect([first, second]).not.toContain(await key());
    rmSync(dir, { recursive: true });
    await expect(key()).rejects.toThrow('cannot read folder');
  });
});
