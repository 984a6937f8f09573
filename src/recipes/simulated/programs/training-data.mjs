import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BadInput, PythonError } from './program-errors.mjs';
import { shuffled } from './random.mjs';
import { COLUMNS } from './model-shape.mjs';

/**
 * Features of every row of some files of MLLM rows: numbers from -1 to 1 that depend on its text only.
 * @param {string} files joined by commas, as upstream takes them
 * @returns {Promise<Float64Array[]>}
 */
export async function loadSamples(files) {
  const samples = [];
  for (const file of files.split(',')) {
    const rows = JSON.parse(await readFile(file, 'utf8'));
    samples.push(...rows.map((row) => featuresOf(row)));
  }
  return samples;
}

/**
 * Row numbers of one micro batch of all ranks. Each epoch is a permutation seeded with its number and its tail that
 * does not fill a batch is dropped, so the order depends on these three numbers only and survives a restart.
 * @param {number} rows
 * @param {number} perStep micro batch size times ranks
 * @param {number} consumed samples before it
 */
export function batchRows(rows, perStep, consumed) {
  const active = Math.floor(rows / perStep) * perStep;
  if (active === 0)
    throw new BadInput(`--data: ${rows} rows are fewer than micro batch size * ranks = ${perStep}. Add rows.`);
  const offset = consumed % active;
  return epochOrder(active, Math.floor(consumed / active)).slice(offset, offset + perStep);
}

const orders = new Map();

/** Only the newest epoch is kept; ranks of one process go through the same ones. */
function epochOrder(active, epoch) {
  const key = `${active} ${epoch}`;
  const known = orders.get(key);
  if (known !== undefined) return known;
  const order = shuffled(active, `epoch ${epoch}`);
  if (orders.size > 1) orders.clear();
  orders.set(key, order);
  return order;
}

function featuresOf({ messages }) {
  if (!Array.isArray(messages)) throw new PythonError('KeyError', "'messages'");
  const digest = createHash('sha256')
    .update(messages.map(({ content }) => content).join('\n'))
    .digest();
  return Float64Array.from({ length: COLUMNS }, (_, column) => (digest[column] - 127.5) / 127.5);
}
