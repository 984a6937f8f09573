import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PythonError } from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { timestamp } from '../../../../src/recipes/simulated/programs/training-log.mjs';

/** Numbers that stand for a sample. */
export const FEATURES = 8;
const PLACEHOLDER = '<image>';
/** Characters of a token, roughly. */
const TOKEN_CHARS = 4;
/** Pixels of an image token, and of the largest image; an image whose size nobody reads here. */
const TOKEN_PIXELS = 28 * 28;
const MOST_PIXELS = 262_144;
const IMAGE_TOKENS = 64;

/**
 * The rows as the loader makes samples of them: files from the working directory, images below `dataset_dir` or else by
 * their name, rows that do not fit dropped with a warning.
 * @param {ReturnType<import('./config-files.mjs').readDataSettings>} settings
 * @param {(message: string) => void} warn
 * @returns {{ features: Float64Array, tokens: number, imageTokens: number, text: string }[]}
 */
export function loadRows({ basic, attributes }, warn) {
  const rows = basic.dataset.split(',').flatMap((file) => readRows(file));
  const { max_samples: most } = basic;
  if (most !== null && most !== undefined && most > rows.length)
    throw new PythonError('IndexError', `Index ${most - 1} out of range for dataset of size ${rows.length}.`);
  const taken = rows.slice(0, most ?? rows.length);
  const columns = new Set(taken.flatMap((row) => Object.keys(row)));
  for (const name of [attributes.messages, attributes.images]) {
    if (name !== null && !columns.has(name)) throw new PythonError('KeyError', `'${name}'`);
  }
  return taken.flatMap((row) => toSample(row, basic, attributes, warn));
}

/** The loader's logger: time, module, line, level. */
export function loggerLine(message, now = new Date()) {
  const ms = String(now.getMilliseconds()).padStart(3, '0');
  return `${timestamp(now)},${ms} - mindspeed_mm.data.data_utils.func_utils.convert - 75 - WARNING - ${message}\n`;
}

function readRows(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new PythonError('FileNotFoundError', `Unable to find '${resolve(file)}'`);
  }
}

function toSample(row, basic, attributes, warn) {
  const turns = row[attributes.messages];
  const images = (attributes.images === null ? null : row[attributes.images]) ?? [];
  const found = findImages(images, basic.dataset_dir, warn);
  const shown = JSON.stringify(turns);
  const isInOrder = turns.every(
    (turn, index) => turn[attributes.role_tag] === (index % 2 === 0 ? attributes.user_tag : attributes.assistant_tag),
  );
  const isWhole = turns.length > 0 && turns.length % 2 === 0;
  if (!isInOrder) warn(`Invalid role tag in ${shown}.`);
  else if (!isWhole) warn(`Invalid message count in ${shown}.`);
  if (!isInOrder || !isWhole) {
    warn('Skipping this abnormal example.');
    warn('Dropped invalid example: []');
    return [];
  }
  const text = turns.map((turn) => turn[attributes.content_tag]).join('\n');
  const unreadable = found.find((path) => !isImage(path));
  if (unreadable !== undefined) {
    const list = found.map((path) => `'${path}'`).join(', ');
    warn(`Skipping invalid sample: [${list}]. Error: [Errno 2] No such file or directory: '${unreadable}'`);
    return [];
  }
  const placeholders = text.split(PLACEHOLDER).length - 1;
  if (placeholders !== found.length)
    throw new PythonError(
      'ValueError',
      `The number of images does not match the number of ${PLACEHOLDER} tokens in ${shown}.`,
    );
  const digest = createHash('sha256').update(text).digest();
  const features = Float64Array.from({ length: FEATURES }, (_, index) => (digest[index] - 127.5) / 127.5);
  const imageTokens = found.reduce((sum, path) => sum + tokensOf(path), 0);
  return [{ features, tokens: Math.ceil(text.length / TOKEN_CHARS) + imageTokens, imageTokens, text }];
}

function findImages(images, folder, warn) {
  return images.map((image) => {
    // As os.path.join: a name that begins at the root forgets the folder.
    const joined = image.startsWith('/') ? image : join(folder, image);
    if (existsSync(joined)) return joined;
    warn(`Media ${image} does not exist in \`media_dir\`. Use original path.`);
    return image;
  });
}

/** Places that an image takes, by the size in the header of a PNG. */
function tokensOf(path) {
  const start = readFileSync(path).subarray(0, 24);
  if (start.toString('latin1', 1, 4) !== 'PNG' || start.length < 24) return IMAGE_TOKENS;
  return Math.ceil(Math.min(start.readUInt32BE(16) * start.readUInt32BE(20), MOST_PIXELS) / TOKEN_PIXELS);
}

/** The first bytes of a PNG or JPEG file. */
function isImage(path) {
  try {
    const start = readFileSync(path).subarray(0, 4).toString('latin1');
    return start.startsWith('\u0089PNG') || start.startsWith('\u00FF\u00D8');
  } catch {
    return false;
  }
}
