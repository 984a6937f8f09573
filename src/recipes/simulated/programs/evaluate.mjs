import { writeFile } from 'node:fs/promises';
import { parseCommandLine } from './command-line.mjs';
import { readModel } from './hf-folder.mjs';
import { ROWS } from './model-shape.mjs';
import { meanLoss } from './model.mjs';
import { runProgram } from './program-errors.mjs';
import { loadSamples } from './training-data.mjs';

/** Writes the loss of the original and of the exported model over rows that training did not see. */
async function main() {
  const path = { type: 'text', required: true };
  const rules = { before: path, after: path, rows: path, output: path };
  const { before, after, rows, output } = parseCommandLine(process.argv.slice(2), rules, 'evaluate.mjs');
  const samples = await loadSamples(rows);
  const lossOf = async (folder) => finite(meanLoss((await readModel(folder)).tensors, samples));
  const report = {
    v: 1,
    rows: samples.length,
    outputs: ROWS,
    lossBefore: await lossOf(before),
    lossAfter: await lossOf(after),
  };
  await writeFile(output, `${JSON.stringify(report)}\n`);
}

/** JSON has no word for what is not a number. */
function finite(value) {
  return Number.isFinite(value) ? value : null;
}

await runProgram(main);
