import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageHeaders, probeImageHeader } from '../../../src/host/data/image-headers.js';
import { ImageIndex } from '../../../src/host/data/image-index.js';
import { chunk, png, put, scratchFolder } from './support.js';

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

/** A comment, then one picture of 100 x 50 pixels whose data are blocks of `bytes` bytes in all; colours of both kinds. */
function gif(bytes: number): Buffer {
  const blocks = Array.from({ length: bytes / 200 }, () =>
    Buffer.concat([Buffer.from([200]), Buffer.alloc(200, 0x3b)]),
  );
  return Buffer.concat([
    Buffer.from('GIF89a'),
    Buffer.from([100, 0, 50, 0, 0x80, 0, 0, ...Buffer.alloc(6)]),
    Buffer.from([0x21, 0xfe, 3, ...Buffer.from('cat'), 0]),
    Buffer.from([0x2c, 0, 0, 0, 0, 100, 0, 50, 0, 0x81, ...Buffer.alloc(12), 2]),
    ...blocks,
    Buffer.from([0, 0x3b]),
  ]);
}

/** 100 x 50 pixels of 3 bytes, or compressed ones of which only the file's size tells. */
function bmp(compression: number): Buffer {
  const file = Buffer.alloc(54 + 300 * 50);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(100, 18);
  // From top to bottom.
  file.writeInt32LE(compression === 0 ? -50 : 50, 22);
  file.writeUInt16LE(24, 28);
  file.writeUInt32LE(compression, 30);
  return file;
}

function webp(): Buffer {
  const file = Buffer.alloc(1_000);
  file.write('RIFF\0\0\0\0WEBPVP8X', 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  Buffer.from([99, 0, 0, 49, 0, 0]).copy(file, 24);
  return file;
}

describe('probeImageHeader', () => {
  it.each([
    ['PNG', png(100, 50)],
    ['JPEG', jpeg(1)],
    ['JPEG with previews that fill more than the first read', jpeg(8)],
    ['GIF', gif(400)],
    ['BMP', bmp(0)],
    ['BMP of compressed pixels', bmp(1)],
    ['WebP', webp()],
  ])('reads the size of a %s', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toEqual({ kind: 'size', size: { width: 100, height: 50 } });
  });

  it.each([
    [1, 300_000],
    [300_000, 1],
    [1, 201],
    [140, 28_001],
  ])('refuses %i x %i pixels: a side would be scaled to nothing, or to what it is not', async (width, height) => {
    const path = put(scratchFolder(), 'a.png', png(width, height));
    expect(await probeImageHeader(path)).toEqual({
      kind: 'bad',
      rule: 'data/image-aspect',
      what: `${width} x ${height} pixels`,
    });
  });

  it.each([
    [1, 1],
    [1, 200],
    [28_000, 140],
  ])(
    'takes %i x %i pixels: of the fewest pixels that a spec may ask for, each side keeps one',
    async (width, height) => {
      const path = put(scratchFolder(), 'a.png', png(width, height));
      expect(await probeImageHeader(path)).toMatchObject({ kind: 'size' });
      const scale = Math.sqrt(784 / (width * height));
      expect(Math.trunc(Math.min(width, height) * scale)).toBeGreaterThan(0);
    },
  );

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
    ['PNG in the middle of its pixels', png(100, 50, pixels(600_000)).subarray(0, 500_000)],
    ['PNG behind its pixels', png(100, 50).subarray(0, -12)],
    ['JPEG', photo(pixels(10))],
    ['JPEG of many bytes', photo(pixels(500_000))],
    ['GIF in its colours', gif(400).subarray(0, 15)],
    ['GIF in front of its picture', gif(400).subarray(0, 26)],
    ['GIF in its picture', gif(200_000).subarray(0, 150_000)],
    ['GIF at the end of its picture', gif(400).subarray(0, -2)],
    ['BMP', bmp(0).subarray(0, -1)],
    ['BMP in its header', bmp(0).subarray(0, 40)],
    ['BMP of compressed pixels', bmp(1).subarray(0, -1)],
    ['WebP', webp().subarray(0, -1)],
  ])('finds that a %s was cut off', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toMatchObject({
      kind: 'bad',
      rule: 'data/image-corrupt',
      what: expect.stringContaining('cut off'),
    });
  });

  const broken = (at: number, byte: number): Buffer => {
    const bytes = png(100, 50);
    bytes[at] = byte;
    return bytes;
  };

  it.each([
    ['a wrong checksum of its size', broken(30, 1)],
    ['another width than its checksum is of', broken(18, 1)],
    ['zeros in place of its pixels', Buffer.concat([png(100, 50).subarray(0, 33), Buffer.alloc(1_000), png(1, 1)])],
    [
      'zeros behind a long chunk',
      Buffer.concat([png(100, 50).subarray(0, 33), chunk('iCCP', pixels(40_000)), Buffer.alloc(99)]),
    ],
  ])('finds that a PNG has %s', async (_, bytes) => {
    const path = put(scratchFolder(), 'image', bytes);
    expect(await probeImageHeader(path)).toMatchObject({
      kind: 'bad',
      rule: 'data/image-corrupt',
      what: expect.stringContaining('damaged'),
    });
  });

  const spoilt = (image: Buffer, at: number, bytes: Iterable<number>): Buffer => {
    const copy = Buffer.from(image);
    copy.set([...bytes], at);
    return copy;
  };
  const coreBmp = spoilt(
    Buffer.concat([Buffer.from('BM'), Buffer.alloc(24 + 300 * 50)]),
    10,
    [26, 0, 0, 0, 12, 0, 0, 0, 100, 0, 50, 0, 1, 0, 24, 0],
  );
  const simpleWebp = spoilt(spoilt(webp(), 12, Buffer.from('VP8 ')), 23, [0x9d, 0x01, 0x2a, 100, 0, 50, 0]);

  it.each([
    ['a GIF of zeros from its middle on', spoilt(gif(400), 300, Buffer.alloc(gif(400).length - 300)), 'cut off'],
    ['a BMP with the header of OS/2', coreBmp.subarray(0, -1), 'cut off'],
    ['a BMP with a header of no known length', spoilt(bmp(0), 14, [41]), 'a header of 41 bytes'],
    ['a BMP with a compression that no reader knows', spoilt(bmp(0), 30, [32]), 'compression 32'],
    ['a WebP whose picture does not begin as one', spoilt(simpleWebp, 24, [0]), 'does not begin'],
  ])('finds the damage of %s', async (_, bytes, what) => {
    expect(await probeImageHeader(put(scratchFolder(), 'image', bytes))).toMatchObject({
      kind: 'bad',
      rule: 'data/image-corrupt',
      what: expect.stringContaining(what),
    });
  });

  it.each<[string, Buffer]>([
    ['a WebP of the simple form', simpleWebp],
    ['a BMP with the header of OS/2', coreBmp],
    ['a GIF with padding', Buffer.concat([gif(400), Buffer.alloc(99)])],
    [
      'a PNG with a profile before its pixels',
      Buffer.concat([png(100, 50).subarray(0, 33), chunk('iCCP', pixels(40_000)), png(100, 50).subarray(33)]),
    ],
    ['a JPEG', photo(pixels(500_000), Buffer.from(MARKER.end))],
    ['a JPEG with padding', photo(pixels(10), Buffer.from(MARKER.end), Buffer.alloc(5000))],
    ['a JPEG with a film behind it', photo(pixels(300_000), Buffer.from(MARKER.end), film)],
    ['a PNG with text behind it', Buffer.concat([png(100, 50), film])],
    ['a GIF of many bytes', gif(200_000)],
    ['a GIF that ends in its second picture', Buffer.concat([gif(400).subarray(0, -1), gif(400).subarray(26, 60)])],
    ['a WebP with text behind it', Buffer.concat([webp(), film])],
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

describe('an image as Pillow takes it', () => {
  const probe = (content: Buffer) => probeImageHeader(put(scratchFolder(), 'image', content));

  it('may have its size behind any number of previews and profiles', async () => {
    expect(await probe(jpeg(300))).toEqual({ kind: 'size', size: { width: 100, height: 50 } });
    const endless = Buffer.concat([jpeg(300).subarray(0, -100), Buffer.alloc(100)]);
    expect(await probe(endless)).toMatchObject({ kind: 'bad', rule: 'data/image-corrupt' });
  });

  it('may have bytes before a marker that fill space (ITU T.81, B.1.1.2)', async () => {
    const sound = jpeg(1);
    const filled = Buffer.concat([sound.subarray(0, 2), Buffer.from([0xff, 0xff]), sound.subarray(2)]);
    expect(await probe(filled)).toEqual({ kind: 'size', size: { width: 100, height: 50 } });
    expect(await probe(filled.subarray(0, 1_000))).toMatchObject({ kind: 'bad', rule: 'data/image-corrupt' });
  });

  it('may have as many pixels as are no bomb to it', async () => {
    expect(await probe(png(13_377, 13_377))).toEqual({ kind: 'size', size: { width: 13_377, height: 13_377 } });
    expect(await probe(png(13_378, 13_377))).toMatchObject({ kind: 'bad', rule: 'data/image-bomb' });
  });

  it('may have a profile of megabytes before the pixels of a PNG', async () => {
    const sound = png(100, 50);
    // Signature and header come first in every PNG.
    const profile = chunk('iCCP', Buffer.alloc(3_000_000));
    expect(await probe(Buffer.concat([sound.subarray(0, 33), profile, sound.subarray(33)]))).toMatchObject({
      kind: 'size',
    });
  });
});
