import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPython } from '../../scripts/setup/python.js';
import { fakeProgram } from './fake-program.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-python-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An interpreter that answers the probe with its version and whether it can make environments. */
const python = (name: string, minor: number, hasVenv: boolean): string =>
  fakeProgram(folder, name, `echo 3 ${minor} ${hasVenv ? 1 : 0} ${join(folder, name)}`);
const osRelease = (text: string): string => {
  writeFileSync(join(folder, 'os-release'), text);
  return join(folder, 'os-release');
};
const find = (candidates: readonly string[], os = 'ID=debian\n', chosen?: string) =>
  findPython({ chosen, candidates, osRelease: osRelease(os) });

describe('findPython', () => {
  it('takes the first that is new enough and complete', () => {
    const candidates = [
      join(folder, 'absent'),
      python('old', 9, true),
      python('bare', 11, false),
      python('good', 12, true),
    ];
    expect(find(candidates)).toEqual({ path: join(folder, 'good'), version: '3.12' });
  });

  it('takes no other than the one that the person names', () => {
    const good = python('good', 12, true);
    expect(() => find([good], 'ID=debian\n', python('old', 9, true))).toThrow(/old is 3\.9/);
  });

  it.each([
    ['ID=debian\n', 'apt-get install python3.11-venv'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'apt-get install python3.11-venv'],
    ['ID="openEuler"\n', 'dnf install python3.11 python3.11-pip'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install python3.11 python3.11-pip'],
    ['ID="opensuse-leap"\n', 'zypper install python311 python311-pip'],
    ['ID=unheard-of\n', 'install Python 3.11 with its modules venv and ensurepip'],
  ])('names the command for missing venv support on %j', (os, command) => {
    const bare = python('bare', 11, false);
    expect(() => find([bare], os)).toThrow(
      new RegExp(`${bare} .*cannot make virtual environments[^]*fix: ${command}, or set TEMPER_SETUP_PYTHON`),
    );
  });

  it('says which interpreters there are when all are too old', () => {
    expect(() => find([python('old', 9, true)])).toThrow(
      /Python 3\.10 or newer is needed\n {2}why: .*old is 3\.9\n {2}fix: apt-get install python3 python3-venv/,
    );
  });

  it('finds a real one on this machine', () => {
    expect(findPython({ chosen: undefined }).version).toMatch(/^3\.1\d$/);
  });
});
