import { parseCommandLine } from './command-line.mjs';
import { CONFIG, makeFreshFolder, writeModel } from './hf-folder.mjs';
import { TENSORS } from './model-shape.mjs';
import { randomWeights } from './model.mjs';
import { runProgram } from './program-errors.mjs';

/** Writes a seeded model as a Hugging Face folder in bfloat16. */
async function main() {
  const rules = { output: { type: 'text', required: true }, seed: { type: 'number', required: true } };
  const { output, seed } = parseCommandLine(process.argv.slice(2), rules, 'make-weights.mjs');
  await makeFreshFolder(output, '--output');
  const tensors = new Map(TENSORS.map(({ name, shape }) => [name, randomWeights(`weights ${seed} ${name}`, shape)]));
  await writeModel(output, tensors, 'BF16', CONFIG);
}

await runProgram(main);
