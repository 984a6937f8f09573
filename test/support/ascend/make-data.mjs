import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

const IMAGES = 12;
const PIXELS = 56;
/** Every so many rows one has no image, as in a mixed data set. */
const TEXT_ONLY = 10;

/**
 * Writes images below `train2017` and rows in the format of LLaVA.
 * @param {string} folder
 * @param {number} rows
 */
export async function makeData(folder, rows) {
  const images = join(folder, 'COCO2017', 'train2017');
  await mkdir(images, { recursive: true });
  const names = Array.from({ length: IMAGES }, (_, index) => `${String(index).padStart(12, '0')}.png`);
  for (const [index, name] of names.entries()) await writeFile(join(images, name), png(index));
  const all = Array.from({ length: rows }, (_, index) => {
    const isText = index % TEXT_ONLY === TEXT_ONLY - 1;
    return {
      id: String(index),
      ...(isText ? {} : { image: names[index % IMAGES] }),
      conversations: [
        { from: 'human', value: `${isText ? '' : '<image>\n'}What is thing number ${index}?` },
        { from: 'gpt', value: `It is thing number ${index}, in colour ${index % IMAGES}.` },
      ],
    };
  });
  await writeFile(join(folder, 'llava_instruct.json'), JSON.stringify(all));
}

/** A square of one colour. */
export function png(index, side = PIXELS) {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(3 * side, 20 * index)]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // 8 bits a channel, colours, no interlace.
  header.set([8, 2, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.concat(Array(side).fill(row)));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    ...[chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))],
  ]);
}

function chunk(type, content) {
  const body = Buffer.concat([Buffer.from(type), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
