// Makes LLaVA annotations of a given size from a seed, with empty image files of the names that they use.
import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { seededRandom } from './support/numbers.js';

// Words of the field, some with characters that JSON escapes.
const WORDS = (
  'the a image shows person standing near red bus street with two dogs and "quoted" signs in background while ' +
  'sitting on wooden bench holding an umbrella possible reason for this could be that they are waiting overall ' +
  'scene suggests casual atmosphere considering various factors such as weather\n\n traffic'
).split(' ');

// The annotations are English; one answer in a hundred holds characters outside of ASCII.
const RARE_WORDS = ['café', '城市', '\u{1f6b2}'];
const RARE_SHARE = 0.01;

/** Writes the annotations and creates the images; about 1.6 kB a row, 3 of 4 rows with several turns. */
export async function writeAnnotations(file, imagesDir, { rows, images, seed }) {
  for (let image = 0; image < images; image += 1) writeFileSync(join(imagesDir, imageName(image)), '');
  const random = seededRandom(seed);
  const out = createWriteStream(file);
  out.write('[');
  for (let row = 0; row < rows; row += 1) {
    const image = imageName(Math.floor(random() * images));
    const text = `${row === 0 ? '' : ', '}${toAscii(JSON.stringify({ id: image.slice(0, 12), image, conversations: conversation(random) }))}`;
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end(']\n');
  await once(out, 'close');
}

// The published annotations were dumped by Python's default, which escapes everything outside of ASCII.
function toAscii(json) {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function conversation(random) {
  const pairs = random() < 0.25 ? 1 : 2 + Math.floor(random() * 3);
  return Array.from({ length: pairs }, (_, pair) => [
    { from: 'human', value: pair === 0 ? `${sentence(random, 10)}\n<image>` : sentence(random, 10) },
    { from: 'gpt', value: sentence(random, Math.floor(random() * 2 * (192 / pairs))) },
  ]).flat();
}

function sentence(random, words) {
  const text = Array.from({ length: words + 1 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
  return random() < RARE_SHARE ? `${text} ${RARE_WORDS.join(' ')}` : text;
}

function imageName(index) {
  return `${String(index).padStart(12, '0')}.jpg`;
}
