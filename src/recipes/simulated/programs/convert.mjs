import { mkdir, writeFile } from 'node:fs/promises';
import { toBfloat16, float32Bytes } from './bfloat16.mjs';
import { CHECKPOINT_VERSION, checkpointFolder, TRACKER } from './checkpoint-layout.mjs';
import { parseCommandLine } from './command-line.mjs';
import { readMetadata, writeMetadata } from './dcp-metadata.mjs';
import { makeFreshFolder, readModel, writeModel } from './hf-folder.mjs';
import { checkpointName, checkpointPath, TENSORS } from './model-shape.mjs';
import { BadInput, runProgram } from './program-errors.mjs';
import { ShardReader, writeShard } from './shard-file.mjs';

const PATH = { type: 'text', required: true };
const COMMANDS = {
  'hf-to-dcp': { run: toCheckpoint, rules: { 'hf-dir': PATH, 'save-dir': PATH } },
  'dcp-to-hf': {
    run: toModel,
    rules: { 'hf-dir': PATH, 'dcp-dir': PATH, 'save-dir': PATH, dtype: { type: 'text', default: 'bf16' } },
  },
};

/** Converts a Hugging Face folder to a checkpoint to train from, or a checkpoint back. */
async function main() {
  const [name = '', ...argv] = process.argv.slice(2);
  if (!Object.hasOwn(COMMANDS, name))
    throw new BadInput(`convert.mjs: unknown command '${name}' (choose from ${Object.keys(COMMANDS).join(', ')})`);
  const { run, rules } = COMMANDS[name];
  const settings = parseCommandLine(argv, rules, `convert.mjs ${name}`);
  await makeFreshFolder(settings['save-dir'], '--save-dir');
  await run(settings);
}

/** One shard with the weights as they are, then `.metadata`, then the tracker, as upstream's converter writes. */
async function toCheckpoint({ 'hf-dir': hfDir, 'save-dir': saveDir }) {
  const { tensors, dtype } = await readModel(hfDir);
  const folder = checkpointFolder(saveDir, 'release');
  await mkdir(folder, { recursive: true });
  const items = TENSORS.map(({ name, shape }) => {
    const values = tensors.get(name);
    const elements = dtype === 'BF16' ? toBfloat16(values) : float32Bytes(values);
    return { path: checkpointPath(name), dtype, size: shape, start: shape.map(() => 0), extent: shape, elements };
  });
  const pieces = await writeShard(folder, 0, [...items, { path: ['checkpoint_version'], value: CHECKPOINT_VERSION }]);
  await writeMetadata(folder, pieces);
  await writeFile(`${saveDir}/${TRACKER}`, 'release');
}

/** The weights of one checkpoint folder under the names of the original. */
async function toModel({ 'hf-dir': hfDir, 'dcp-dir': dcpDir, 'save-dir': saveDir, dtype }) {
  if (dtype !== 'bf16' && dtype !== 'f32')
    throw new BadInput(`convert.mjs: argument --dtype: invalid choice: '${dtype}' (choose from bf16, f32)`);
  const { config } = await readModel(hfDir);
  const entries = await readMetadata(dcpDir);
  const reader = new ShardReader(dcpDir);
  const tensors = new Map();
  try {
    for (const { name, shape } of TENSORS) {
      const pieces = entries.get(checkpointName(name));
      if (pieces === undefined)
        throw new BadInput(
          `--dcp-dir ${dcpDir}: there is no ${checkpointName(name)}. Give a checkpoint of this trainer.`,
        );
      tensors.set(name, await reader.rows(pieces, 0, shape[0]));
    }
  } finally {
    await reader.close();
  }
  await writeModel(saveDir, tensors, dtype === 'bf16' ? 'BF16' : 'F32', config);
}

await runProgram(main);
