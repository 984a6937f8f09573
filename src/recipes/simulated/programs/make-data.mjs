import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommandLine } from './command-line.mjs';
import { makeFreshFolder } from './hf-folder.mjs';
import { runProgram } from './program-errors.mjs';
import { RandomStream } from './random.mjs';

/** Writes rows of text in the format that training reads, and other rows to be held out. */
async function main() {
  const rules = {
    output: { type: 'text', required: true },
    seed: { type: 'number', required: true },
    rows: { type: 'number', required: true },
    'heldout-rows': { type: 'number', default: 0 },
  };
  const settings = parseCommandLine(process.argv.slice(2), rules, 'make-data.mjs');
  await makeFreshFolder(settings.output, '--output');
  await writeRows('rows.json', 'training', settings.rows, settings);
  await writeRows('heldout.json', 'held-out', settings['heldout-rows'], settings);
}

/** The kind stands in the text, so no row is in both files. */
async function writeRows(name, kind, count, { output, seed }) {
  const stream = RandomStream.named(`${kind} rows ${seed}`);
  const rows = Array.from({ length: count }, (_, index) => {
    const number = Math.floor(stream.next() * 1e9);
    return {
      messages: [
        { role: 'user', content: `What follows ${number} in ${kind} row ${index}?` },
        { role: 'assistant', content: String(number + 1) },
      ],
      images: [],
    };
  });
  await writeFile(join(output, name), `${JSON.stringify(rows)}\n`);
}

await runProgram(main);
