import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageHeaders, probeImageHeader } from '../../../src/host/data/image-headers.js';
import { ImageIndex } from '../../../src/host/data/image-index.js';
import { png, put, scratchFolder } from './support.js';

// A JPEG of 100 x 50 pixels whose size stands behind `previews` full APP1 segments of 64 kB each.
function jpeg(previews: number): Buffer {
  const segment = Buffer.alloc(2 + 0xffff);
  segment.writeUInt16BE(0xffe1, 0);
  segment.writeUInt16BE(0xffff, 2);
  const sizes = Buffer.from([
    0xff,
    0xc0,
    0x00,
    0x11,
    0x08,
    0x00,
    0x32,
    0x00,
    0x64,
    0x03,
    ...Buffer.alloc(9),
    0xff,
    0xd9,
  ]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), ...Array.from({ length: previews }, () => segment), sizes]);
}

const GIF = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([100, 0, 50, 0])]);
const BMP = Buffer.concat([Buffer.from('BM'), Buffer.alloc(16), Buffer.from([100, 0, 0, 0, 50, 0, 0, 0])]);
const WEBP = Buffer.concat([
  Buffer.from('RIFF\0\0\0\0WEBPVP8X\0\0\0\0'),
  Buffer.from([0, 0, 0, 0, 99, 0, 0, 49, 0, 0]),
]);

describe('probeImageHeader', () => {
  it.each([
    ['PNG', png(100, 50)],
    ['JPEG', jpeg(1)],
    ['JPEG with previews that fill more than the first read', jpeg(8)],
    ['GIF', GIF],
    ['BMP', BMP],
    ['WebP', WEBP],
  ])('reads the size of a %s', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toEqual({ kind: 'size', size: { width: 100, height: 50 } });
  });

  it.each([...Array(24).keys()])('never reads a size out of a PNG of %i bytes', async (length) => {
    const path = put(scratchFolder(), 'image', png(100, 50).subarray(0, length));
    expect((await probeImageHeader(path)).kind).toBe('bad');
  });

  const MARKER = { start: [0xff, 0xda, 0x00, 0x02], end: [0xff, 0xd9] };
  const pixels = (bytes: number): Buffer => Buffer.alloc(bytes, 0xfb);
  // The segment holds a preview, which has an end of its own.
  const photo = (...rest: readonly Uint8Array[]): Buffer => {
    const preview = Buffer.from([0xff, 0xe1, 0x00, 0x06, 0xff, 0xd8, ...MARKER.end]);
    return Buffer.concat([
      jpeg(0).subarray(0, 2),
      preview,
      jpeg(0).subarray(2, -2),
      Buffer.from(MARKER.start),
      ...rest,
    ]);
  };
  const film = Buffer.alloc(700_000, 'film');

  it.each([
    ['PNG', png(100, 50).subarray(0, 33)],
    ['PNG in the middle of its pixels', Buffer.concat([png(100, 50).subarray(0, 33), pixels(500_000)])],
    ['JPEG', photo(pixels(10))],
    ['JPEG of many bytes', photo(pixels(500_000))],
  ])('finds that a %s was cut off', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toMatchObject({
      kind: 'bad',
      rule: 'data/image-corrupt',
      what: expect.stringContaining('cut off'),
    });
  });

  it.each<[string, Buffer]>([
    ['a JPEG', photo(pixels(500_000), Buffer.from(MARKER.end))],
    ['a JPEG with padding', photo(pixels(10), Buffer.from(MARKER.end), Buffer.alloc(5000))],
    ['a JPEG with a film behind it', photo(pixels(300_000), Buffer.from(MARKER.end), film)],
    ['a PNG with text behind it', Buffer.concat([png(100, 50), film])],
    ...[-2, -1, 0, 1].map((shift): [string, Buffer] => [
      `a JPEG whose end lies across two reads (${shift})`,
      photo(pixels(256 * 1024 - MARKER.start.length + shift), Buffer.from(MARKER.end), film),
    ]),
  ])('takes %s for whole', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toEqual({ kind: 'size', size: { width: 100, height: 50 } });
  });

  it('calls a file that vanished after it was listed missing', async () => {
    expect(await probeImageHeader('/nonexistent/a.png')).toMatchObject({ kind: 'bad', rule: 'data/image-missing' });
  });
});

it('ImageHeaders counts a folder that links lead round to as missing', async () => {
  const folder = scratchFolder();
  symlinkSync('round', join(folder, 'round'));
  const headers = new ImageHeaders(await ImageIndex.open(folder));
  await headers.probe(new Set(['round/a.png']));
  expect(headers.get('round/a.png')).toMatchObject({ kind: 'bad', rule: 'data/image-missing' });
});

it('ImageHeaders looks at each name once', async () => {
  const folder = scratchFolder();
  const names = Array.from({ length: 50 }, (_, index) => `sub-${index % 5}/${index}.png`);
  for (const name of names) put(folder, name, png(7, 7));
  const headers = new ImageHeaders(await ImageIndex.open(folder));
  await headers.probe(new Set(names));
  // What changes on disk afterwards is not looked at again.
  put(folder, 'sub-0/0.png', 'broken');
  await headers.probe(new Set([...names, 'gone.png']));
  expect(names.map((name) => headers.get(name)?.kind)).toEqual(names.map(() => 'size'));
  expect(headers.get('gone.png')).toMatchObject({ kind: 'bad', rule: 'data/image-missing' });
  expect(headers.size).toBe(51);
});
