import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runStep } from './run-step.js';
import { SetupError } from './setup-error.js';

/** The index that PyTorch documents for builds without CUDA. */
const PYTORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu';
/** CPU wheels of torch 2.13 have about 200 MB, the one with CUDA 527 MB: what is larger than this is no CPU build. */
const CPU_WHEEL_LIMIT_MB = 350;
/** All wheels that `pip install torch==2.13.0` takes from PyPI on x86-64, summed: torch, 19 of NVIDIA, triton. */
const CUDA_TOTAL = 'about 2.7 GB of downloads in all, more than twice that on disk';
const GPU_PACKAGE = /^(nvidia-|cuda-|triton|pytorch-triton)/;
/** pip's own retries against an index that is not reachable; the next place is tried instead. */
const PATIENCE = ['--retries', '1', '--timeout', '20'];

/**
 * Finds out how to get a CPU build of torch without downloading anything large first.
 * @param {object} options
 * @param {string} options.python interpreter of the environment; its pip knows --report (22.2 or newer)
 * @param {string} options.spec requirement, such as "torch==2.13.0"
 * @param {{ TEMPER_TORCH_SPEC?: string | undefined, TEMPER_TORCH_INDEX?: string | undefined }} options.env the person's choice
 * @param {string} options.cwd
 * @param {string} options.logFile
 * @returns {Promise<readonly string[]>} arguments for `pip install`
 * @throws SetupError when no CPU build can be had: says the size of the other one and the variables that choose
 */
export async function chooseTorch({ python, spec, env, cwd, logFile }) {
  const chosenSpec = env.TEMPER_TORCH_SPEC ?? spec;
  // Who names an index knows what it holds; pip's report is not needed to decide.
  if (env.TEMPER_TORCH_INDEX) return ['--index-url', env.TEMPER_TORCH_INDEX, chosenSpec];
  if (env.TEMPER_TORCH_SPEC) return [chosenSpec];
  const places = [
    // A local version label asks for nothing but a CPU build, so looking for it can download nothing else.
    { name: 'the configured index', args: [`${spec}+cpu`] },
    // Some mirrors offer a CPU build without the label; on other processors the plain build is one.
    { name: 'the configured index', args: [spec] },
    { name: "PyTorch's CPU index", args: ['--index-url', PYTORCH_CPU_INDEX, spec] },
  ];
  const refusals = [];
  for (const { name, args } of places) {
    const refusal = await refusalOf({ python, args, cwd, logFile });
    if (refusal === null) return args;
    refusals.push(`${args.at(-1)} from ${name}: ${refusal}`);
  }
  throw new SetupError({
    what: 'no CPU build of torch was found, and the one with CUDA is not installed unasked',
    why: [...refusals, `with CUDA: ${CUDA_TOTAL}`].map((line) => `\n    ${line}`).join(''),
    fix:
      'set TEMPER_TORCH_INDEX to an index with CPU builds, or TEMPER_TORCH_SPEC to a wheel or requirement ' +
      `(TEMPER_TORCH_SPEC=${spec} accepts the build with CUDA)`,
  });
}

/** Why these arguments would not give a CPU build, or null when they do. Installs nothing. */
async function refusalOf({ python, args, cwd, logFile }) {
  const folder = mkdtempSync(join(tmpdir(), 'temper-torch-'));
  const report = join(folder, 'report.json');
  try {
    await runStep({
      title: `looking for a CPU build of torch (${args.at(-1)})`,
      command: python,
      args: [
        ...['-m', 'pip', 'install', '--dry-run', '--no-deps', '--ignore-installed', '--progress-bar', 'off'],
        ...[...PATIENCE, '--report', report, ...args],
      ],
      cwd,
      logFile,
      fix: 'see above',
      failWord: 'not there',
      // An index without separate metadata makes pip fetch the whole wheel just to look into it.
      veto: oversizedTorch,
    });
    return gpuRefusal(JSON.parse(readFileSync(report, 'utf8')));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return shortReason(error.message);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Looks at a line of pip: "Downloading torch-2.13.0-....whl (526.6 MB)". */
export function oversizedTorch(line) {
  const match = /Downloading \S*torch-\S+\.whl \(([\d.]+) (MB|GB)\)/.exec(line);
  if (match === null) return null;
  const megabytes = Number(match[1]) * (match[2] === 'GB' ? 1000 : 1);
  return megabytes > CPU_WHEEL_LIMIT_MB ? `it is a build with CUDA, ${match[1]} ${match[2]} for torch alone` : null;
}

/** Reads pip's installation report: a torch that requires GPU packages is no CPU build. */
export function gpuRefusal(report) {
  const torch = report.install.find((one) => one.metadata.name.toLowerCase() === 'torch');
  if (torch === undefined) return 'pip would install no torch';
  const requires = (torch.metadata.requires_dist ?? []).filter((one) => GPU_PACKAGE.test(one));
  return requires.length === 0 ? null : `it is a build with CUDA that brings ${requires.length} GPU packages`;
}

/** The decisive line of a failed step: the veto's reason or pip's last error. */
function shortReason(message) {
  const errors = message.split('\n').filter((line) => /ERROR:/.test(line));
  const text = errors.at(-1)?.trim() ?? message.split('\n')[0] ?? message;
  return text.replace(/^.*failed: /, '').slice(0, 200);
}
