import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { makeData } from './make-data.mjs';
import { makeModel } from './make-model.mjs';
import { FAULTS_VARIABLE } from './programs/fault-kinds.mjs';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Rows besides those of one step of all ranks, so that an epoch is no single batch. */
const MORE_ROWS = 40;
const SPEC_FILE = 'glm.yaml';
const FAULTS_FILE = 'faults.json';
/** What npu-smi and hccn_tool show on every host. */
const DEVICES_FILE = 'devices.json';

/**
 * A fleet that exists as programs and folders of this machine only.
 * @typedef {{ folder: string, spec: string, specFile: string, faultsFile: string, hosts: number, address: string,
 *   env: Readonly<Record<string, string>> }} Fleet
 *   `spec`: text of a pipeline for it; `address`: where its hosts train; `env`: variables of its workers
 */

/**
 * Makes in a folder all that hosts with devices would have: driver and toolkit, repositories and packages to install
 * from, a small model of the real one's family, images and rows, and a spec that names them.
 * @param {string} folder
 * @param {{ hosts?: number, npusPerHost?: number, iterations?: number, every?: number }} [options]
 * @returns {Promise<Fleet>}
 */
export async function makeFleet(folder, { hosts = 8, npusPerHost = 16, iterations = 12, every = 4 } = {}) {
  const root = resolve(folder);
  await mkdir(root, { recursive: true });
  const basePython = (await run('python3', ['-c', 'import sys; print(sys.executable)'])).stdout.trim();
  const { stdout } = await run(basePython, [
    join(HERE, 'make_site.py'),
    root,
    process.execPath,
    join(HERE, 'programs'),
  ]);
  const commits = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 2)),
  );
  await makeModel(join(root, 'GLM-4.5V'));
  await makeData(join(root, 'data'), hosts * npusPerHost + MORE_ROWS);
  await writeFile(join(root, FAULTS_FILE), '{ "v": 1, "faults": [] }\n');
  await writeFile(join(root, DEVICES_FILE), `${JSON.stringify({ devices: npusPerHost })}\n`);
  // Last, so that a folder with a spec is a whole one.
  await writeFile(
    join(root, SPEC_FILE),
    specText({ root, commits, basePython, hosts, npusPerHost, iterations, every }),
  );
  return openFleet(root);
}

/**
 * The fleet of a folder that was made before.
 * @param {string} folder
 * @returns {Fleet}
 */
export function openFleet(folder) {
  const root = resolve(folder);
  const [specFile, faultsFile] = [SPEC_FILE, FAULTS_FILE].map((name) => join(root, name));
  const spec = readFileSync(specFile, 'utf8');
  const { hosts } = parse(spec).fleet;
  const env = environment(root, faultsFile);
  return { folder: root, spec, specFile, faultsFile, hosts, address: trainingAddress(), env };
}

/** What the workers of such hosts find in their environment. */
function environment(root, faultsFile) {
  return {
    // npu-smi and hccn_tool of such a host.
    PATH: [join(HERE, 'bin'), process.env.PATH ?? ''].join(delimiter),
    TEMPER_PIP_FIND_LINKS: join(root, 'wheels'),
    // Constraints of this machine are about real packages.
    PIP_CONSTRAINT: '',
    [FAULTS_VARIABLE]: faultsFile,
    FAKE_ASCEND_STATE: join(root, DEVICES_FILE),
  };
}

/** An address of this machine that is not "localhost": several hosts are refused one that means another for each. */
function trainingAddress() {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined)
    throw new Error('this machine has no IPv4 address but the loopback one; the fleet needs one');
  return found.address;
}

function specText({ root, commits, basePython, hosts, npusPerHost, iterations, every }) {
  const source = (name, ref = commits[name]) => `{ url: ${join(root, 'repositories', `${name}.git`)}, ref: ${ref} }`;
  return `# GLM-4.5V with MindSpeed-MM on a fleet of ${hosts} hosts with ${npusPerHost} devices each that is made of programs only.
apiVersion: temper/v1
name: glm45v
recipe: mindspeed-mm/glm-4.5v
workspace: ${join(root, 'workspace')}
fleet: { hosts: ${hosts}, npusPerHost: ${npusPerHost} }

environment:
  location: shared
  offline: true                 # local repositories and packages, nothing remote
  basePython: ${basePython}
  toolkitRoot: ${join(root, 'Ascend')}
  sources:
    mindspeedMm: ${source('MindSpeed-MM')}
    megatronLm: ${source('Megatron-LM', 'core_v0.12.1')}
    mindspeed: ${source('MindSpeed')}
    transformers: ${source('transformers')}

weights: { source: 'path:${join(root, 'GLM-4.5V')}' }

data:
  - name: llava
    format: llava
    annotations: ${join(root, 'data', 'llava_instruct.json')}
    images: { path: ${join(root, 'data', 'COCO2017', 'train2017')} }

train:
  iterations: ${iterations}
  learningRate: 1.0e-2
  warmupFraction: 0.1
  sequenceLength: 1024
  freeze: { visionEncoder: true, visionProjector: true, textDecoder: false }
  loss: { type: per_token_loss }
  checkpoint: { every: ${every}, keep: 2, fidelity: full }

export: { dtype: bf16 }

# Its repositories are made anew, so no commit of them is one that the recipe knows.
accept: [environment/unknown-revision]
`;
}
