import { describe, expect, it } from 'vitest';
import { environment } from '../../../../src/recipes/mindspeed-mm/environment/environment.js';
import { wantedPackages, REFERENCE_PYTHON } from '../../../../src/recipes/mindspeed-mm/environment/packages.js';
import type { ProbeFacts } from '../../../../src/recipes/mindspeed-mm/environment/probe.js';
import { checkoutOf } from '../../../../src/recipes/mindspeed-mm/layout.js';
import { sourcesOf } from '../../../../src/recipes/mindspeed-mm/sources.js';
import { guideSpec } from '../training/support.js';

const SPEC = guideSpec();
const TOOLS = {
  python: '/env/venv/bin/python',
  node: '/node',
  temper: '/t',
  programs: '/p',
  cpus: 1,
  environment: '/env',
};

/** A host with the vendor's software of the guide's set, and nothing else. */
const FRESH: ProbeFacts = {
  v: 1,
  versionFiles: ['driver', 'firmware', 'toolkit', 'kernels', 'nnal'].map((part) => ({
    part,
    path: `/usr/local/Ascend/${part}`,
    text: 'Version=8.3.RC1',
  })),
  setEnv: ['/usr/local/Ascend/cann/set_env.sh'],
  checkouts: {},
  megatron: { original: null, copy: null },
  folders: {},
  python: null,
  basePython: { path: '/usr/bin/python3.10', version: '3.10.12' },
  hasGit: true,
};

const steps = (environment.read(FRESH, SPEC, TOOLS).repairs ?? []).map(({ step, argv, cwd }) => ({
  step,
  line: argv.join(' '),
  cwd,
}));
const line = (step: string): string => steps.find((one) => one.step === step)?.line ?? `no step ${step}`;
const before = (first: string, second: string): void => {
  const place = (name: string): number => steps.findIndex(({ step }) => step === name);
  expect(place(first)).toBeGreaterThanOrEqual(0);
  expect(place(first)).toBeLessThan(place(second));
};

describe('the guide, 版本说明 and 1.1', () => {
  it('the reference implementation is transformers at commit 8cb5963', () => {
    const { url, ref } = sourcesOf(SPEC).transformers;
    expect(url).toBe('https://github.com/huggingface/transformers.git');
    expect(ref).toMatch(/^8cb5963[0-9a-f]{33}$/);
  });

  it("the Ascend software is installed by the vendor's guide: Temper verifies it and runs no installer", () => {
    expect(environment.read({ ...FRESH, versionFiles: [] }, SPEC, TOOLS).problems).toHaveLength(5);
    expect(steps.filter(({ line: text }) => /\.run\b|apt|yum|\/usr\/local\/Ascend/.test(text))).toEqual([]);
  });

  it('Python 3.10 is recommended', () => {
    expect(REFERENCE_PYTHON).toBe('3.10');
    expect(line('make-venv')).toBe('/usr/bin/python3.10 -m venv /env/venv');
  });

  it('torch and torch_npu 2.7.1 are recommended', () => {
    expect(wantedPackages(SPEC)).toEqual({ torch: '2.7.1', torch_npu: '2.7.1' });
    expect(line('install-packages')).toContain('torch==2.7.1 torch_npu==2.7.1');
  });

  it('the acceleration of the MoE part needs a new CANN and torch_npu: 8.3.RC1', () => {
    const old = FRESH.versionFiles.map((file) =>
      file.part === 'toolkit' ? { ...file, text: 'Version=8.2.RC1' } : file,
    );
    const judged = (fusedMoe: boolean) =>
      environment.read({ ...FRESH, versionFiles: old }, guideSpec({ train: { fusedMoe } }), TOOLS).problems.length;
    expect([judged(true), judged(false)]).toEqual([1, 0]);
  });
});

describe('the guide, 1.2', () => {
  it.each([
    [
      'git clone https://gitcode.com/Ascend/MindSpeed-MM.git',
      'clone-mindspeed-mm',
      'https://gitcode.com/Ascend/MindSpeed-MM.git /env/MindSpeed-MM.new',
    ],
    [
      'git clone https://github.com/NVIDIA/Megatron-LM.git',
      'clone-megatron-lm',
      'https://github.com/NVIDIA/Megatron-LM.git /env/Megatron-LM.new',
    ],
    ['git checkout core_v0.12.1', 'checkout-megatron-lm', 'core_v0.12.1'],
    ['cp -r megatron ../MindSpeed-MM/', 'copy-megatron', '/env/Megatron-LM/megatron /env/MindSpeed-MM/megatron'],
    ['mkdir logs data ckpt', 'make-folders', '/env/MindSpeed-MM/logs /env/MindSpeed-MM/data /env/MindSpeed-MM/ckpt'],
    [
      'git clone https://gitcode.com/Ascend/MindSpeed.git',
      'clone-mindspeed',
      'https://gitcode.com/Ascend/MindSpeed.git /env/MindSpeed-MM/MindSpeed.new',
    ],
    [
      'git checkout d76dbddd4517d48a2fc1cd494de8b9a6cfdbfbab',
      'checkout-mindspeed',
      'd76dbddd4517d48a2fc1cd494de8b9a6cfdbfbab',
    ],
    ['pip install -e . (MindSpeed)', 'install-mindspeed', '--editable /env/MindSpeed-MM/MindSpeed'],
    ['pip install -e . (MindSpeed-MM)', 'install-mindspeed-mm', '--editable /env/MindSpeed-MM'],
    [
      'git clone https://github.com/huggingface/transformers.git',
      'clone-transformers',
      'https://github.com/huggingface/transformers.git /env/MindSpeed-MM/transformers.new',
    ],
    ['git checkout 8cb5963, by its full id', 'checkout-transformers', '8cb5963cc22174954e7dca2c0a3320b7dc2f4edc'],
    ['pip install -e . (transformers)', 'install-transformers', '--editable /env/MindSpeed-MM/transformers'],
  ])('%s', (_guide, step, text) => {
    expect(line(step)).toContain(text);
  });

  it('MindSpeed-MM is not pinned by the guide: here it is, to the last fix of the example', () => {
    expect(line('checkout-mindspeed-mm')).toContain('840612c5c1a120d4c46d3c18d52397687df413db');
  });

  it('cd MindSpeed-MM: its checkout is the working directory of every later command', () => {
    expect(checkoutOf('mindspeedMm', SPEC, TOOLS)).toBe('/env/MindSpeed-MM');
    expect(environment.prove(TOOLS, SPEC).cwd).toBe('/env/MindSpeed-MM');
    expect(
      steps.filter(({ step }) => step.startsWith('install-')).every(({ cwd }) => cwd === '/env/MindSpeed-MM'),
    ).toBe(true);
  });

  it('megatron is copied before the editable installation, which maps what is there', () => {
    before('place-megatron', 'install-mindspeed-mm');
  });

  it('transformers is installed last, because MindSpeed-MM brings its own', () => {
    before('install-mindspeed', 'install-mindspeed-mm');
    before('install-mindspeed-mm', 'install-transformers');
    expect(steps.at(-1)?.step).toBe('install-transformers');
  });

  it('what the installation takes on the disk is known before it begins: about 20 GB, less where little differs', () => {
    const { repairBytes = 0 } = environment.read(FRESH, SPEC, TOOLS);
    expect(repairBytes / 1e9).toBeCloseTo(20, 0);
    const found = { exists: true, real: null, head: 'a'.repeat(40), wanted: 'b'.repeat(40), isChanged: false };
    const drifted = { ...FRESH, checkouts: { megatronLm: found } };
    expect(environment.read(drifted, SPEC, TOOLS).repairBytes).toBeLessThan(repairBytes);
  });
});
