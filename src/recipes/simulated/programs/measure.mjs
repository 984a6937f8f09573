import { writeFile } from 'node:fs/promises';
import { parseCommandLine } from './command-line.mjs';
import { readModel } from './hf-folder.mjs';
import { meanLoss } from './model.mjs';
import { BadInput, runProgram } from './program-errors.mjs';
import { loadSamples } from './training-data.mjs';

/** Writes the loss of one exported model over rows that training did not see. */
async function main() {
  const path = { type: 'text', required: true };
  const rules = { model: path, rows: path, output: path };
  const { model, rows, output } = parseCommandLine(process.argv.slice(2), rules, 'measure.mjs');
  const samples = await loadSamples(rows);
  if (samples.length === 0) throw new BadInput(`--rows ${rows}: there are no rows. Give rows to measure on.`);
  const loss = meanLoss((await readModel(model)).tensors, samples);
  // JSON has no word for what is not a number; without evalLoss no gate passes.
  const measured = Number.isFinite(loss) ? { evalLoss: loss } : {};
  await writeFile(output, `${JSON.stringify({ v: 1, rows: samples.length, ...measured })}\n`);
}

await runProgram(main);
