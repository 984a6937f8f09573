import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBfloat16, float32Bytes } from '../../../../src/recipes/simulated/programs/bfloat16.mjs';
import {
  CHECKPOINT_VERSION,
  checkpointFolder,
  TRACKER,
} from '../../../../src/recipes/simulated/programs/checkpoint-layout.mjs';
import { readMetadata, writeMetadata } from '../../../../src/recipes/simulated/programs/dcp-metadata.mjs';
import { checkpointPath } from '../../../../src/recipes/simulated/programs/model-shape.mjs';
import { BadInput, PythonError, runProgram } from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { ShardReader, writeShard } from '../../../../src/recipes/simulated/programs/shard-file.mjs';
import { mergeExperts, splitExperts } from './experts.mjs';
import { loadFaults } from './fault-kinds.mjs';
import { readTensors, writeTensors } from './safetensors.mjs';

const CONVERTER = 'ExpertMergeDcpConverter';
const VERBS = {
  hf_to_dcp: { run: toCheckpoint, folders: ['hf_dir'], keys: ['hf_dir', 'save_dir'] },
  dcp_to_hf: { run: toModel, folders: ['hf_dir', 'dcp_dir'], keys: ['hf_dir', 'dcp_dir', 'save_dir'] },
};
/** Optional keys; the prefixes of names have the values that this model needs. */
const OPTIONAL = ['dcp_prefix', 'hf_prefix', 'config'];

/** `mm-convert`: one class, two directions, arguments by keyword only. */
async function main() {
  const [converter = '', verb = '', ...words] = process.argv.slice(2);
  if (converter !== CONVERTER)
    refuse('', `argument subcommand: invalid choice: '${converter}' (choose from '${CONVERTER}')`);
  if (!Object.hasOwn(VERBS, verb))
    refuse(converter, `argument subcommand: invalid choice: '${verb}' (choose from 'hf_to_dcp', 'dcp_to_hf')`);
  const { run, keys, folders } = VERBS[verb];
  const usage = `${converter} ${verb}`;
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(
      `usage: mm-convert ${usage} [-h] ${keys.map((key) => `--${key} ${key.toUpperCase()}`).join(' ')}\n`,
    );
    return;
  }
  const given = readKeywords(usage, words, [...keys, ...OPTIONAL]);
  for (const key of keys)
    if (given[key] === undefined)
      refuse(usage, `Key "${key}" is required but not included in config object or its value is None.`);
  for (const key of folders) await requireFolder(usage, key, given[key]);
  // How many ranks a training has is not the converter's to judge.
  const faults = loadFaults(0, Number.POSITIVE_INFINITY).strike('convert', 0);
  await run(
    given,
    faults.filter((fault) => (fault.verb ?? verb) === verb),
  );
}

function readKeywords(usage, words, known) {
  const given = {};
  for (let at = 0; at < words.length; at += 2) {
    const key = words[at].replace(/^--/, '');
    if (!words[at].startsWith('--') || !known.includes(key))
      refuse(usage, `Unrecognized arguments: ${words.slice(at).join(' ')}`);
    if (words[at + 1] === undefined) refuse(usage, `expected one argument: ${words[at]}`);
    given[key] = words[at + 1];
  }
  return given;
}

async function requireFolder(usage, key, path) {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return;
  refuse(
    usage,
    `Parser key "${key}": 1 validation error for DirectoryPath: Path does not point to a directory [type=path_not_directory, input_value='${path}', input_type=str]`,
  );
}

/** What jsonargparse says, and status 2. */
function refuse(usage, message) {
  process.stderr.write(
    `usage: mm-convert ${usage} [options]\ntip: For details of accepted options run: mm-convert ${usage} --help\nerror: ${message}\n`,
  );
  process.exit(2);
}

/** All tensors in one shard, then `.metadata`, then the tracker; modes at the very end. */
async function toCheckpoint({ hf_dir: hfDir, save_dir: saveDir }, faults) {
  const config = await readConfig(hfDir);
  const all = await readTensors(hfDir);
  const tensors = mergeExperts(all, config, bar('merge moe experts weight'));
  suffer(faults, tensors);
  const folder = checkpointFolder(saveDir, 'release');
  await mkdir(folder, { recursive: true });
  const items = [...tensors].map(([name, { dtype, shape, bytes }]) => ({
    ...{ path: checkpointPath(name), dtype, size: shape, start: shape.map(() => 0), extent: shape, elements: bytes },
  }));
  const pieces = await writeShard(folder, 0, [...items, { path: ['checkpoint_version'], value: CHECKPOINT_VERSION }]);
  await writeMetadata(folder, pieces);
  await writeFile(join(saveDir, TRACKER), 'release');
  await restrict(saveDir);
}

/** Copies what is no weight, reads the checkpoint, then writes index and shards: in that order, so a failure leaves a part. */
async function toModel({ hf_dir: hfDir, dcp_dir: dcpDir, save_dir: saveDir }, faults) {
  const config = await readConfig(hfDir);
  await mkdir(saveDir, { recursive: true });
  await copyOthers(hfDir, saveDir);
  const merged = await readCheckpoint(dcpDir);
  const tensors = splitExperts(merged, config, bar('split moe experts weight'));
  suffer(faults, tensors);
  const tell = bar('save sharded safetensors');
  await writeTensors(saveDir, tensors, (done, of) => {
    tell(done, of);
    // Index and some shards are there, the process ends as if it were done.
    if (done === 1 && faults.some(({ kind }) => kind === 'convert-torn')) process.exit(0);
  });
  await restrict(saveDir);
}

function suffer(faults, tensors) {
  for (const { kind, tensor = 'lm_head.weight' } of faults) {
    // As the kernel does to a process that takes too much memory: not a word.
    if (kind === 'convert-killed') process.kill(process.pid, 'SIGKILL');
    if (kind === 'convert-drops') tensors.delete(tensor);
  }
}

/** config.json picks the branch by its class; another model is none of this converter's. */
async function readConfig(hfDir) {
  const config = JSON.parse(await readFile(join(hfDir, 'config.json'), 'utf8'));
  if (config.model_type === 'glm4v_moe') return config;
  throw new PythonError('ValueError', `Unsupported config class for model type '${config.model_type}'`);
}

/** Every tensor of the model as it is stored; all else of the checkpoint is unpickled too, and forgotten. */
async function readCheckpoint(dcpDir) {
  const entries = await readEntries(dcpDir);
  const reader = new ShardReader(dcpDir);
  const tensors = new Map();
  try {
    for (const [fqn, pieces] of entries) {
      const [{ dtype, size }] = pieces;
      if (dtype === null) await reader.object(pieces[0]);
      if (dtype === null || !fqn.startsWith('model.')) continue;
      const values = await reader.rows(pieces, 0, size[0] ?? 1);
      const bytes = dtype === 'BF16' ? toBfloat16(values) : Buffer.from(float32Bytes(values));
      tensors.set(fqn.slice('model.model.'.length), { dtype, shape: size, bytes });
    }
  } finally {
    await reader.close();
  }
  return tensors;
}

async function readEntries(dcpDir) {
  try {
    return await readMetadata(dcpDir);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new PythonError(
      'torch.distributed.checkpoint.api.CheckpointException',
      'metadata is None; global metadata read failed',
    );
  }
}

async function copyOthers(from, to) {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await mkdir(target, { recursive: true });
      await copyOthers(source, target);
    } else if (!entry.name.endsWith('.safetensors')) {
      await copyFile(source, target);
      process.stdout.write(`Copied: ${source} -> ${target}\n`);
    }
  }
}

/** Modes 750 and 640 over the whole output. */
async function restrict(folder) {
  await chmod(folder, 0o750);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await restrict(join(folder, entry.name));
    else await chmod(join(folder, entry.name), 0o640);
  }
}

/** A progress bar that draws itself anew over the old one. */
function bar(title) {
  return (done, of) => {
    const share = of === 0 ? 100 : Math.floor((100 * done) / of);
    process.stderr.write(
      `\r${title}: ${String(share).padStart(3)}%|${'█'.repeat(share / 10).padEnd(10)}| ${done}/${of} [00:00<00:00]`,
    );
    if (done === of) process.stderr.write('\n');
  };
}

// Nothing here is a person's mistake in the eyes of Python: what is not refused by the parser is a traceback.
await runProgram(async () => {
  try {
    await main();
  } catch (error) {
    if (error instanceof PythonError || error instanceof BadInput) throw error;
    const isMissing = error.code === 'ENOENT';
    throw isMissing
      ? new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${error.path}'`)
      : error;
  }
});
