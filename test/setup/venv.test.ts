import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
function ensure(requirements = '# none\n'): Promise<void> {
  writeFileSync(join(folder, 'requirements.txt'), requirements);
  return ensureVenv({ venv, requirements: join(folder, 'requirements.txt'), env: {}, cwd: folder, logDir: folder });
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

  it('makes a half-made or broken environment again', { timeout: 60_000 }, async () => {
    mkdirSync(join(venv, 'bin'), { recursive: true });
    fakeProgram(join(venv, 'bin'), 'python', 'exit 1');
    writeFileSync(join(venv, 'rubbish'), '');
    await ensure();
    expect(existsSync(join(venv, 'rubbish'))).toBe(false);
    expect(stampTime()).toBeGreaterThan(0);
  });
});
