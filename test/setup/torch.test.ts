import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseTorch, gpuRefusal, oversizedTorch } from '../../scripts/setup/torch.js';
import { fakeProgram } from './fake-program.js';

const SPEC = 'torch==2.13.0';
const NOTHING = 'echo "ERROR: No matching distribution found" >&2; exit 1';
const CPU = JSON.stringify({ install: [{ metadata: { name: 'torch', requires_dist: ['sympy', 'filelock'] } }] });
const CUDA = JSON.stringify({
  install: [{ metadata: { name: 'torch', requires_dist: ['sympy', 'nvidia-cudnn-cu13==9', 'triton==3'] } }],
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-pip-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An interpreter whose pip behaves as told for a labelled spec, a plain one, and PyTorch's index; it notes its calls. */
function pip(answers: { readonly labelled?: string; readonly plain?: string; readonly pytorch?: string }): string {
  return fakeProgram(
    folder,
    'python',
    `echo "$@" >> ${folder}/calls
while [ $# -gt 0 ]; do case "$1" in --report) report=$2;; --index-url) index=$2;; esac; last=$1; shift; done
if [ -n "$index" ]; then ${answers.pytorch ?? NOTHING}
elif [ "$last" = "${SPEC}+cpu" ]; then ${answers.labelled ?? NOTHING}
else ${answers.plain ?? NOTHING}; fi`,
  );
}
const report = (text: string): string => `echo '${text}' > "$report"`;
const choose = (python: string, env: Readonly<Record<string, string>> = {}) =>
  chooseTorch({ python, spec: SPEC, env, cwd: folder, logFile: join(folder, 'log') });

describe('chooseTorch', () => {
  it('takes a labelled CPU build of the configured index first', async () => {
    await expect(choose(pip({ labelled: report(CPU), plain: report(CUDA) }))).resolves.toEqual([`${SPEC}+cpu`]);
  });

  it('takes a plain build of the configured index when it brings no GPU packages', async () => {
    await expect(choose(pip({ plain: report(CPU) }))).resolves.toEqual([SPEC]);
  });

  it("goes to PyTorch's CPU index when the configured one has only the build with CUDA", async () => {
    const index = 'https://download.pytorch.org/whl/cpu';
    await expect(choose(pip({ plain: report(CUDA), pytorch: report(CPU) }))).resolves.toEqual([
      '--index-url',
      index,
      SPEC,
    ]);
  });

  it('stops pip before it downloads a wheel with CUDA only to look into it', async () => {
    const download = `echo "  Downloading torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl (526.6 MB)"; touch ${folder}/started; exec sleep 60`;
    const startedAt = performance.now();
    await expect(choose(pip({ plain: download, pytorch: report(CPU) }))).resolves.toContain(SPEC);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });

  it('stops with sizes and the variables that choose when there is no CPU build', async () => {
    const failure = choose(pip({ plain: 'echo "Downloading torch-2.13.0-cp312.whl (526.6 MB)"; exec sleep 60' }));
    await expect(failure).rejects.toThrow(
      /526\.6 MB for torch alone[^]*2\.7 GB[^]*TEMPER_TORCH_INDEX[^]*TEMPER_TORCH_SPEC/,
    );
  });

  it('never asks pip to install anything while it looks', async () => {
    await choose(pip({ plain: report(CUDA), pytorch: report(CPU) }));
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toHaveLength(3);
    expect(calls.filter((call) => call.includes('--dry-run') && call.includes('--no-deps'))).toHaveLength(3);
  });

  it('does what the person says without looking', async () => {
    const python = join(folder, 'absent');
    await expect(choose(python, { TEMPER_TORCH_SPEC: 'torch==2.12.0' })).resolves.toEqual(['torch==2.12.0']);
    const index = 'https://mirror.example/cpu';
    await expect(choose(python, { TEMPER_TORCH_INDEX: index })).resolves.toEqual(['--index-url', index, SPEC]);
  });
});

describe('reading pip', () => {
  it.each([
    ['  Downloading torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl (526.6 MB)', true],
    ['  Downloading https://example.org/torch-2.13.0-cp312.whl (1.2 GB)', true],
    ['  Downloading torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (191.4 MB)', false],
    ['  Downloading torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl.metadata (30 kB)', false],
    ['  Downloading nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_x86_64.whl (366.2 MB)', false],
  ])('%s is oversized: %s', (line, isOversized) => {
    expect(oversizedTorch(line) !== null).toBe(isOversized);
  });

  it('counts the GPU packages that a build requires', () => {
    expect(gpuRefusal(JSON.parse(CUDA))).toMatch(/2 GPU packages/);
    expect(gpuRefusal(JSON.parse(CPU))).toBeNull();
    expect(gpuRefusal({ install: [] })).toMatch(/no torch/);
  });
});
