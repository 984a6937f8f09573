import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentPlace } from '../../../../src/recipes/mindspeed-mm/layout.js';
import { setEnvPlaces, withToolkit } from '../../../../src/recipes/mindspeed-mm/toolkit-command.js';
import { guideSpec } from '../training/support.js';

describe('a command in the environment of the toolkit', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'temper-toolkit-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const run = (argv: readonly string[], over: Readonly<Record<string, unknown>> = {}) => {
    const spec = guideSpec({ environment: { toolkitRoot: root, ...over } });
    const [program = '', ...words] = withToolkit(spec, argv);
    return spawnSync(program, words, { encoding: 'utf8' });
  };
  const PRINT = ['/bin/sh', '-c', 'printf "%s %s" "$ASCEND_HOME_PATH" "$ATB_HOME_PATH"'];

  it.each([
    ['its new place', 'cann'],
    ['its old place', 'ascend-toolkit'],
  ])('sources set_env.sh at %s, then that of NNAL', (_what, folder) => {
    put(`${folder}/set_env.sh`, `export ASCEND_HOME_PATH=${folder}; echo noise; false`);
    put('nnal/atb/set_env.sh', 'export ATB_HOME_PATH=atb');
    expect(run(PRINT)).toMatchObject({ status: 0, stdout: `${folder} atb`, stderr: 'noise\n' });
  });

  it('takes the new place when both are there, and the one of the spec before both', () => {
    put('cann/set_env.sh', 'export ASCEND_HOME_PATH=new');
    put('ascend-toolkit/set_env.sh', 'export ASCEND_HOME_PATH=old');
    put('own/set_env.sh', 'export ASCEND_HOME_PATH=own');
    expect(run(PRINT).stdout).toBe('new ');
    expect(run(PRINT, { cannEnv: join(root, 'own/set_env.sh') }).stdout).toBe('own ');
  });

  it('fails and says where it looked when none is there', () => {
    const { status, stderr } = run(PRINT);
    expect(status).toBe(127);
    for (const place of setEnvPlaces(guideSpec({ environment: { toolkitRoot: root } })).toolkit)
      expect(stderr).toContain(place);
  });

  it('reads no word as shell code, keeps them apart, and hands on the exit status', () => {
    put('cann/set_env.sh', 'test $# = 0 || export SEEN="$*"');
    const words = ['$(touch /tmp/never)', 'a b', "it's", '--', ''];
    const { stdout, status } = run(['/bin/sh', '-c', 'printf "%s|" "$SEEN" "$@"; exit 7', 'sh', ...words]);
    expect(stdout).toBe(`|${words.join('|')}|`);
    expect(status).toBe(7);
  });
});

describe('the place of an environment', () => {
  const place = (over: Readonly<Record<string, unknown>> = {}) =>
    environmentPlace(guideSpec({ environment: over }), '/scratch');

  it('is on scratch, or in the workspace when it is shared, or where the spec says', () => {
    expect(place().root).toMatch(/^\/scratch\/environments\/mindspeed-mm-[0-9a-f]{12}$/);
    expect(place()).toMatchObject({ isShared: false, python: `${place().root}/venv/bin/python` });
    expect(place({ location: 'shared' })).toMatchObject({ isShared: true });
    expect(place({ location: 'shared' }).root).toMatch(/^\/mnt\/shared\/temper\/environments\//);
    expect(place({ folder: '/opt/e' }).root).toMatch(/^\/opt\/e\/mindspeed-mm-/);
  });

  it('is another one for other commits and versions, the same for a short id of the same commit', () => {
    expect(place({ sources: { mindspeed: { ref: 'main' } } }).root).not.toBe(place().root);
    expect(place({ packages: { torch_npu: '2.7.1.post2' } }).root).not.toBe(place().root);
    expect(place({ sources: { transformers: { ref: '8cb5963' }, mindspeedMm: { ref: '840612c5' } } }).root).toBe(
      place().root,
    );
  });
});
