import { describe, expect, it } from 'vitest';
import { temper } from './support.js';

describe('the command line', () => {
  it.each([
    [['validat', 'x.yaml'], "unknown command 'validat'", 'validate', 'temper --help'],
    [['ls', '--adress', 'x'], "unknown option '--adress'", '--address', 'temper ls --help'],
    [['validate'], "missing required argument 'file'", '', 'temper validate --help'],
    [
      ['ls', '-o', 'xml'],
      "option '-o, --output <form>' argument 'xml' is invalid",
      'text, json, jsonl',
      'temper ls --help',
    ],
    [['start', 'x.yaml', '--from', 'nowhere'], "argument 'nowhere' is invalid", 'environment', 'temper start --help'],
    [
      ['resume', 'tiny', '--set', 'iterations'],
      "argument 'iterations' is invalid",
      'path=value',
      'temper resume --help',
    ],
    [['worker'], "required option '--role <role>' not specified", '', 'temper worker --help'],
    [['checkpoint', 'ls'], "missing required argument 'run'", '', 'temper checkpoint ls --help'],
    [['data', 'chek'], "unknown command 'chek'", 'check', 'temper data --help'],
  ])('%j is an error of usage', async (argv, what, hint, help) => {
    const { status, stdout, stderr } = await temper(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error\[UsageInvalid\]: /);
    expect(stderr).toContain(what);
    expect(stderr).toContain(hint);
    expect(stderr).toContain(`fix: see ${help}\n`);
  });

  it.each([['--may-be-equal'], ['--frozen', 'visual.blocks']])(
    '%s without --deep would be ignored',
    async (...flags) => {
      const { status, stderr } = await temper(['export', 'verify', '--original', '.', '--exported', '.', ...flags]);
      expect(status).toBe(2);
      expect(stderr).toContain(`at ${flags[0]}`);
      expect(stderr).toContain('fix: add --deep');
    },
  );

  it('prints help and version on stdout', async () => {
    const help = await temper(['--help']);
    expect(help.status).toBe(0);
    for (const command of [
      'init',
      'validate',
      'plan',
      'schema',
      'start',
      'ls',
      'status',
      'watch',
      'cancel',
      'pause',
      'resume',
      'hosts',
      'dev',
      'worker',
      'data',
      'checkpoint',
      'export',
      'errors',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    expect((await temper(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await temper(['help', 'start'])).stdout).toContain('--from-checkpoint <dir>');
  });

  it('prints help for a bare call and exits 2', async () => {
    const { status, stdout, stderr } = await temper([]);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain('Usage: temper');
  });

  it('shows the stack of a defect with --debug only', async () => {
    const runs = { listRuns: () => Promise.reject(new Error('boom')) };
    const short = await temper(['ls'], { runs });
    expect(short).toMatchObject({ status: 1, stdout: '' });
    expect(short.stderr).toBe('error[Internal]: boom\n  fix: run it again with --debug and report what it prints\n');
    expect((await temper(['ls', '--debug'], { runs })).stderr).toContain('usage.test');
  });
});

describe('colours', () => {
  const coloured = async (argv: string[], env: Record<string, string>, isTTY: boolean): Promise<boolean> =>
    (await temper(['validat', ...argv], { env, isTTY })).stderr.includes('\u001b[');
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %j on a terminal (%s): %s', async (env, isTTY, expected) => {
    expect(await coloured([], env, isTTY)).toBe(expected);
  });

  it('obey --color before everything else', async () => {
    const runs = { listRuns: () => Promise.reject(new Error('boom')) };
    expect((await temper(['ls', '--color', 'always'], { runs, env: { NO_COLOR: '1' } })).stderr).toContain('\u001b[');
    expect((await temper(['ls', '--color', 'never'], { runs, isTTY: true })).stderr).not.toContain('\u001b[');
  });
});
