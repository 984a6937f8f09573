import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureVenv } from '../../scripts/setup/venv.js';
import { fakeProgram } from './fake-program.js';

let folder: string;
let venv: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-venv-'));
  venv = join(folder, 'venv');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Set-up with no packages to install, so that it needs no index. */
function ensure(requirements = '# none\n', env: Readonly<Record<string, string>> = {}): Promise<void> {
  writeFileSync(join(folder, 'requirements.txt'), requirements);
  return ensureVenv({ venv, requirements: join(folder, 'requirements.txt'), env, cwd: folder, logDir: folder });
}
const stampTime = (): number => statSync(join(venv, 'temper-stamp.json')).mtimeMs;

describe('ensureVenv', () => {
  it(
    'makes an environment, leaves a good one alone, and looks again when requirements changed',
    { timeout: 60_000 },
    async () => {
      await ensure();
      fakeProgram(join(venv, 'bin'), 'temporal', 'exit 0');
      const first = stampTime();
      await ensure();
      expect(stampTime()).toBe(first);
      await ensure('# none, said otherwise\n');
      expect(stampTime()).toBeGreaterThan(first);
    },
  );

  it('takes the torch that was chosen, without pinning another after it, and trusts no older stamp meanwhile', async () => {
    mkdirSync(join(venv, 'bin'), { recursive: true });
    writeFileSync(join(venv, 'temper-stamp.json'), '{"v":1,"requirements":"older"}');
    fakeProgram(
      join(venv, 'bin'),
      'python',
      `case "$*" in
*"pip --version") echo "pip 24.0";;
*"pip install"*) echo "$@" >> ${folder}/calls; test ! -e ${venv}/temper-stamp.json || echo stamped >> ${folder}/calls;;
*sys.version_info*) echo 3.12;;
*) shift 2; for name; do echo "$name -"; done;;
esac`,
    );
    await ensure('torch==2.13.0\ntqdm==4.70.1\n', { TEMPER_TORCH_SPEC: 'torch==2.12.0+cpu' });
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls.map((call) => call.split(' ').at(-1))).toEqual(['torch==2.12.0+cpu', 'tqdm==4.70.1']);
    expect(stampTime()).toBeGreaterThan(0);
  });

  it('makes a half-made or broken environment again', { timeout: 60_000 }, async () => {
    mkdirSync(join(venv, 'bin'), { recursive: true });
    fakeProgram(join(venv, 'bin'), 'python', 'exit 1');
    writeFileSync(join(venv, 'rubbish'), '');
    await ensure();
    expect(existsSync(join(venv, 'rubbish'))).toBe(false);
    expect(stampTime()).toBeGreaterThan(0);
  });
});
