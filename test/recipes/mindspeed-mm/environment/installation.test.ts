import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment } from '../../../../src/recipes/mindspeed-mm/environment/environment.js';
import type { Command, EnvironmentReading } from '../../../../src/recipes/recipe.js';
import { makeSite, type Site } from './site.js';

let site: Site;
beforeAll(() => {
  site = makeSite();
});
afterAll(() => site.remove());

const steps = ({ repairs = [] }: EnvironmentReading): string[] => repairs.map(({ step }) => step);
const root = (): string => site.tools(site.spec()).environment ?? '';
const working = (...parts: string[]): string => join(root(), 'MindSpeed-MM', ...parts);
const git = (folder: string, ...words: string[]): string =>
  execFileSync('git', ['-C', folder, ...words], { encoding: 'utf8' }).trim();

/** Makes everything right, as the host does, and answers the names of the steps that it took. */
async function repaired(): Promise<string[]> {
  const found = site.probe(site.spec());
  expect(found.problems).toEqual([]);
  expect(await site.run(found.repairs ?? [])).toBeNull();
  expect(site.probe(site.spec())).toMatchObject({ problems: [], differences: [], repairs: [] });
  return steps(found);
}

async function prove(): Promise<string | null> {
  return site.run([environment.prove(site.tools(site.spec()), site.spec())]);
}

/** Steps of a fresh host, in the order of the guide. */
const FRESH = [
  ...['clear-mindspeed-mm', 'clone-mindspeed-mm', 'place-mindspeed-mm', 'checkout-mindspeed-mm'],
  ...['clear-megatron-lm', 'clone-megatron-lm', 'place-megatron-lm', 'checkout-megatron-lm'],
  ...['clear-megatron', 'copy-megatron', 'remove-megatron', 'place-megatron', 'make-folders'],
  ...['clear-mindspeed', 'clone-mindspeed', 'place-mindspeed', 'checkout-mindspeed'],
  ...['clear-transformers', 'clone-transformers', 'place-transformers', 'checkout-transformers'],
  ...['make-venv', 'install-packages', 'install-mindspeed', 'install-mindspeed-mm', 'install-transformers'],
];

const CLONED_MINDSPEED = ['clear-mindspeed', 'clone-mindspeed', 'place-mindspeed', 'checkout-mindspeed'];
const MEGATRON = ['clear-megatron', 'copy-megatron', 'remove-megatron', 'place-megatron'];

/** What pip leaves when it was killed after it took the files of a package away. */
function removePackages(name: string): void {
  const lib = join(root(), 'venv/lib');
  const [python = ''] = readdirSync(lib);
  const packages = join(lib, python, 'site-packages');
  const ofIt = readdirSync(packages).filter((entry) => entry === name || entry.startsWith(`${name}-`));
  expect(ofIt).not.toEqual([]);
  for (const entry of ofIt) rmSync(join(packages, entry), { recursive: true });
}

describe('an installation', { timeout: 120_000 }, () => {
  it('can be killed after every step: what is left to do is exactly the rest', async () => {
    const first = site.probe(site.spec());
    expect(steps(first)).toEqual(FRESH);
    for (const [index, command] of (first.repairs ?? []).entries()) {
      expect(await site.run([command])).toBeNull();
      // A checkout that has begun may have been killed: the next one removes its locks first.
      const rest = steps(site.probe(site.spec())).filter((step) => !step.startsWith('unlock-'));
      const done = FRESH.slice(0, index + 1);
      // A clone that is not in its place yet, and a copy of megatron that is not, begin again.
      const begun = done.findLastIndex((step) => /^(clear|remove)-|^(clone|copy)-/.test(step));
      const isOpen = begun === index && command.step !== 'make-folders';
      const from = isOpen ? done.findLastIndex((step) => step.startsWith('clear-')) : index + 1;
      expect(rest).toEqual(FRESH.slice(from));
    }
    expect(await prove()).toBeNull();
  });

  it('of an environment that is as it should be takes no step, and tells commits and versions', () => {
    const { lock, repairs, warnings } = site.probe(site.spec());
    expect(repairs).toEqual([]);
    expect(lock).toMatchObject({
      driver: '25.3.rc1',
      firmware: '7.8.0.2.212',
      'CANN toolkit': '8.3.RC1',
      'CANN kernels': '8.3.RC1',
      NNAL: '8.3.RC1',
      torch: '2.7.1',
      torch_npu: '2.7.1',
      transformers: '4.57.1',
      'MindSpeed-MM commit': site.commits['MindSpeed-MM']?.[0],
      'MindSpeed commit': site.commits['MindSpeed']?.[0],
      'transformers commit': site.commits['transformers']?.[0],
      'Megatron-LM commit': site.commits['Megatron-LM']?.[0],
    });
    expect(warnings?.every((text) => text.startsWith('Python is 3.'))).toBe(true);
  });

  it("has the guide's layout: everything in MindSpeed-MM, with logs, data and ckpt", () => {
    expect(readdirSync(working())).toEqual(
      expect.arrayContaining(['MindSpeed', 'transformers', 'megatron', 'logs', 'data', 'ckpt']),
    );
    expect(readFileSync(working('megatron/core/package_info.py'), 'utf8')).toContain('MINOR = 12');
  });
});

describe('what differs is repaired, and nothing else', { timeout: 120_000 }, () => {
  it('a drifted commit', async () => {
    git(working('MindSpeed'), 'checkout', '-q', site.commits['MindSpeed']?.[1] ?? '');
    expect(await repaired()).toEqual(['unlock-mindspeed', 'checkout-mindspeed', 'install-mindspeed']);
    expect(git(working('MindSpeed'), 'rev-parse', 'HEAD')).toBe(site.commits['MindSpeed']?.[0]);
  });

  it('a checkout that was killed and left the locks of git', async () => {
    rmSync(working('MindSpeed/mindspeed/__init__.py'));
    for (const lock of ['index.lock', 'HEAD.lock']) writeFileSync(working('MindSpeed/.git', lock), '');
    expect(await repaired()).toEqual(['unlock-mindspeed', 'checkout-mindspeed', 'install-mindspeed']);
  });

  it('a drifted commit of MindSpeed-MM, whose installation replaces transformers', async () => {
    git(working(), 'checkout', '-q', site.commits['MindSpeed-MM']?.[1] ?? '');
    expect(await repaired()).toEqual([
      'unlock-mindspeed-mm',
      'checkout-mindspeed-mm',
      'install-mindspeed-mm',
      'install-transformers',
    ]);
  });

  it('a changed file of a checkout', async () => {
    writeFileSync(working('transformers/src/transformers/__init__.py'), 'broken = True\n');
    expect(await repaired()).toEqual(['unlock-transformers', 'checkout-transformers', 'install-transformers']);
  });

  it.each([
    ['another version of it', () => writeFileSync(working('megatron/core/package_info.py'), 'MINOR = 13\n')],
    ['a file too much', () => writeFileSync(working('megatron/extra.py'), '')],
    ['a file too few', () => rmSync(working('megatron/training/arguments.py'))],
  ])('a wrong megatron copy: %s', async (_what, spoil) => {
    spoil();
    expect(await repaired()).toEqual(MEGATRON);
  });

  it('compiled files in the copy are no difference', () => {
    mkdirSync(working('megatron/__pycache__'), { recursive: true });
    writeFileSync(working('megatron/__pycache__/x.pyc'), 'x');
    expect(steps(site.probe(site.spec()))).toEqual([]);
  });

  it('L18: transformers overwritten by a later install', async () => {
    const { python } = site.tools(site.spec());
    expect(
      await site.run([
        {
          step: 'later',
          argv: [python, '-m', 'pip', 'install', 'transformers==4.57.0'],
          cwd: '/',
          env: {},
          isRemote: true,
        },
      ]),
    ).toBeNull();
    expect(await repaired()).toEqual(['install-transformers']);
  });

  it('L18: torch replaced by a later install', async () => {
    const { python } = site.tools(site.spec());
    const pip = [python, '-m', 'pip', 'install', '--no-deps', 'torch==2.8.0'];
    expect(await site.run([{ step: 'later', argv: pip, cwd: '/', env: {}, isRemote: true }])).toBeNull();
    expect(await repaired()).toEqual(['install-packages']);
  });

  it('an installation of MindSpeed-MM that was made before megatron was copied', async () => {
    const { python } = site.tools(site.spec());
    rmSync(working('megatron'), { recursive: true });
    const install = {
      step: 'early',
      argv: [python, '-m', 'pip', 'install', '-e', working()],
      cwd: '/',
      env: {},
      isRemote: true,
    };
    expect(await site.run([install])).toBeNull();
    expect(await repaired()).toEqual([
      ...['clear-megatron', 'copy-megatron', 'remove-megatron', 'place-megatron'],
      ...['install-mindspeed-mm', 'install-transformers'],
    ]);
  });

  it('a repository whose files are gone is set aside, not taken for another one', async () => {
    rmSync(working('MindSpeed/.git'), { recursive: true });
    expect(await repaired()).toEqual([
      ...['set-aside-mindspeed', 'clear-mindspeed', 'clone-mindspeed', 'place-mindspeed'],
      ...['checkout-mindspeed', 'install-mindspeed'],
    ]);
  });

  it('a damaged MindSpeed-MM takes all that lies in it along, so all of it is made again; nothing of it is ever lost', async () => {
    for (const time of ['first', 'second']) {
      writeFileSync(working('ckpt', 'mine.txt'), time);
      rmSync(working('.git'), { recursive: true });
      expect(await repaired()).toEqual([
        'set-aside-mindspeed-mm',
        ...FRESH.filter((step) => !/megatron-lm$|^make-venv$|^install-packages$/.test(step)),
      ]);
    }
    expect(readdirSync(working('MindSpeed'))).toContain('mindspeed');
    const kept = ['.damaged.~1~', '.damaged'].map((ending) => `${working()}${ending}/ckpt/mine.txt`);
    expect(kept.map((path) => readFileSync(path, 'utf8'))).toEqual(['first', 'second']);
  });

  it.each<[string, () => void, readonly string[]]>([
    [
      'a clone',
      () => {
        rmSync(working('MindSpeed'), { recursive: true });
        mkdirSync(working('MindSpeed.new/.git'), { recursive: true });
      },
      [...CLONED_MINDSPEED, 'install-mindspeed'],
    ],
    [
      'a copy of megatron, before the old one went',
      () => {
        rmSync(working('megatron/core'), { recursive: true });
        mkdirSync(working('megatron.new/training'), { recursive: true });
      },
      MEGATRON,
    ],
    [
      'a copy of megatron, after the old one went',
      () => {
        rmSync(working('megatron'), { recursive: true });
        mkdirSync(working('megatron.new/training'), { recursive: true });
      },
      MEGATRON,
    ],
    [
      'the virtual environment, before pip came',
      () => removePackages('pip'),
      ['make-venv', 'install-packages', 'install-mindspeed', 'install-mindspeed-mm', 'install-transformers'],
    ],
    [
      'an installation that had removed the old package',
      () => removePackages('transformers'),
      ['install-transformers'],
    ],
  ])('%s that was killed in the middle', async (_what, spoil, wanted) => {
    spoil();
    expect(await repaired()).toEqual(wanted);
    expect(readdirSync(working()).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('a removed program and a removed folder', async () => {
    rmSync(join(root(), 'venv/bin/mm-convert'));
    rmSync(working('ckpt'), { recursive: true });
    expect(await repaired()).toEqual(['make-folders', 'install-mindspeed-mm', 'install-transformers']);
  });

  it('a commit that the checkout does not know is fetched', async () => {
    const bare = join(site.root, 'repositories/MindSpeed.git');
    const tree = git(bare, 'rev-parse', 'HEAD^{tree}');
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid'];
    const commit = git(bare, ...identity, 'commit-tree', tree, '-p', 'HEAD', '-m', 'newer');
    git(bare, 'update-ref', 'HEAD', commit);
    const {
      environment: { sources },
    } = site.spec();
    const spec = site.spec({ sources: { ...sources, mindspeed: { ...sources?.['mindspeed'], ref: commit } } });
    // Another commit is another environment; what a moved one needs shows in the same folder.
    const moved = { ...site.tools(spec), environment: root() };
    const line: unknown = JSON.parse(run(environment.probe(moved, spec)));
    const { repairs = [] } = environment.read(line, spec, moved);
    expect(repairs.map(({ step }) => step)).toEqual(expect.arrayContaining(['fetch-mindspeed', 'checkout-mindspeed']));
    expect(await site.run(repairs.filter(({ step }) => /^(fetch|unlock|checkout)-mindspeed$/.test(step)))).toBeNull();
    expect(git(working('MindSpeed'), 'rev-parse', 'HEAD')).toBe(commit);
    expect(await repaired()).toEqual(['unlock-mindspeed', 'checkout-mindspeed', 'install-mindspeed']);
  });
});

function run({ argv: [program = '', ...words], cwd }: Command): string {
  return execFileSync(program, words, { cwd, encoding: 'utf8' });
}
