import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temper } from './support.js';

const TEMPER = fileURLToPath(new URL('../../bin/temper.js', import.meta.url));
const ROWS = [
  {
    messages: [
      { role: 'user', content: 'How are you?' },
      { role: 'assistant', content: 'Well.' },
    ],
    images: [],
  },
];
const LLAVA = [
  {
    conversations: [
      { from: 'human', value: 'How are you?' },
      { from: 'gpt', value: 'Well.' },
    ],
  },
];

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'temper-odd-'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await mkdir(join(dir, 'shard-pipe'));
  execFileSync('mkfifo', [join(dir, 'shard-pipe/model.safetensors')]);
  await mkdir(join(dir, 'metadata-pipe'));
  execFileSync('mkfifo', [join(dir, 'metadata-pipe/.metadata')]);
  await writeFile(join(dir, 'rows.json'), JSON.stringify(ROWS));
  await writeFile(join(dir, 'llava.json'), JSON.stringify(LLAVA));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('what is no regular file', () => {
  // A process of its own: opening a pipe without a writer would block a thread of this one for ever.
  it.each([
    [['validate', 'pipe'], 2],
    [['plan', 'pipe'], 2],
    [['data', 'check', 'pipe'], 1],
    [['export', 'verify', '--original', 'shard-pipe', '--exported', 'shard-pipe'], 1],
    [['checkpoint', 'verify', 'metadata-pipe'], 1],
    [['data', 'convert', '--format', 'llava', '--annotations', 'pipe', '--images', '.', '--output', 'out.json'], 1],
  ])('%j tells a pipe at once', (argv, status) => {
    const ran = spawnSync(process.execPath, [TEMPER, ...argv], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, TEMPER_HOME: dir },
      timeout: 15_000,
      encoding: 'utf8',
    });
    expect(ran.stdout + ran.stderr).toContain('not a regular file');
    expect(ran.status).toBe(status);
  });

  it('a pipe is not replaced by the output of a conversion', async () => {
    const argv = ['data', 'convert', '--format', 'llava', '--annotations', 'llava.json', '--images', '.'];
    const { status, stderr } = await temper([...argv, '--output', 'pipe'], { cwd: dir });
    expect(stderr).toContain('no regular file');
    expect(status).toBe(1);
    expect((await stat(join(dir, 'pipe'))).isFIFO()).toBe(true);
  });
});

describe('the report of a data check', () => {
  it.each(['rows.json', './rows.json', 'pipe', '.'])('does not go to %s', async (report) => {
    const { status, stderr } = await temper(['data', 'check', 'rows.json', '--report', report], { cwd: dir });
    expect(stderr).toContain('error[UsageInvalid]');
    expect(status).toBe(2);
    expect(JSON.parse(await readFile(join(dir, 'rows.json'), 'utf8'))).toEqual(ROWS);
  });

  it('goes to another file', async () => {
    const { status } = await temper(['data', 'check', 'rows.json', '--report', 'report.json'], { cwd: dir });
    expect(status).toBe(0);
    expect(JSON.parse(await readFile(join(dir, 'report.json'), 'utf8'))).toMatchObject({ ok: true, rows: 1 });
  });
});

describe('a folder with white space', () => {
  it('is refused for the upstream loader, and allowed where the training program takes it', async () => {
    await mkdir(join(dir, 'my rows'));
    await copyFile(join(dir, 'rows.json'), join(dir, 'my rows/rows.json'));
    const argv = ['data', 'check', 'my rows/rows.json'];
    expect((await temper(argv, { cwd: dir })).status).toBe(1);
    expect((await temper([...argv, '--allow-spaces'], { cwd: dir })).status).toBe(0);
  });
});

describe('a worker without a server', () => {
  it.each(['host', 'control'])('%s ends by itself', (role) => {
    const ran = spawnSync(process.execPath, [TEMPER, 'worker', '--role', role, '--name', 'x'], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, TEMPER_HOME: dir },
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect(ran.stderr).toContain('error[Unreachable]');
    expect(ran.status).toBe(3);
  });
});
