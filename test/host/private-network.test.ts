import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readNetwork } from '../../src/config.js';
import { networkEnvironment } from '../../src/host/network-files.js';
import { makeZip } from './archive/make-zip.js';
import { fetchSource, LIMITS } from './download/support.js';
import { hasOpenssl, makeAuthority, openTunnels, serveFiles, type Authority, type Running } from './tls-site.js';

const run = promisify(execFile);
const CONTENT = Buffer.from('weights behind a private authority');
const WHEEL = 'inside-1.0-py3-none-any.whl';

let root = '';
let authority: Authority;
let site: Running;
let proxies: Record<'http' | 'https', Running>;
const made: string[] = [];

/** One site with a file, a repository (as plain files) and a package index; a proxy of each kind; one authority for all. */
beforeAll(async () => {
  if (!hasOpenssl()) return;
  root = mkdtempSync(join(tmpdir(), 'temper-private-'));
  authority = makeAuthority(root);
  makeRepository(join(root, 'www/repo.git'));
  const wheel = makeWheel();
  const index = `<a href="../../${WHEEL}#sha256=${createHash('sha256').update(wheel).digest('hex')}">${WHEEL}</a>`;
  const files: Record<string, Buffer> = {
    '/model.bin': CONTENT,
    [`/${WHEEL}`]: wheel,
    '/simple/inside/': Buffer.from(index),
  };
  site = await serveFiles(authority, (path) => {
    const file = join(root, 'www', path);
    return files[path] ?? (path.startsWith('/repo.git/') && existsSync(file) ? readFileSync(file) : null);
  });
  proxies = { http: await openTunnels(null), https: await openTunnels(authority) };
});
afterAll(async () => {
  if (root === '') return;
  for (const one of [site, proxies.http, proxies.https]) await one.close();
  rmSync(root, { recursive: true, force: true });
});
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'temper-private-'));
  made.push(dir);
  return dir;
}

function makeRepository(bare: string): void {
  const work = join(root, 'work');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { encoding: 'utf8', stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main', work);
  writeFileSync(join(work, 'file'), 'from the private repository\n');
  git('-C', work, 'add', '.');
  git('-C', work, 'commit', '--quiet', '-m', 'one');
  mkdirSync(join(root, 'www'));
  git('clone', '--quiet', '--bare', work, bare);
  // So that plain files are enough to clone from.
  git('-C', bare, 'update-server-info');
}

function makeWheel(): Buffer {
  const info = 'inside-1.0.dist-info';
  const entries = {
    'inside.py': 'answer = 42\n',
    [`${info}/METADATA`]: 'Metadata-Version: 2.1\nName: inside\nVersion: 1.0\n',
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  };
  return makeZip(Object.entries(entries).map(([name, text]) => ({ name, content: Buffer.from(text) })));
}

/** Settings of a host; what the machine of the test has is left out. */
const hostWith = (proxy: Running | null, hasAuthority = true): Record<string, string> => ({
  ...(proxy === null ? {} : { TEMPER_HTTPS_PROXY: proxy.origin }),
  ...(hasAuthority ? { TEMPER_CA_FILE: authority.caFile } : {}),
  TEMPER_PIP_INDEX: `${site.origin}/simple`,
});

/** What a command of the environment's installation gets, and nothing of this process. */
async function reaching(settings: Record<string, string>): Promise<NodeJS.ProcessEnv> {
  const home = folder();
  const env = await networkEnvironment(home, readNetwork(settings), false);
  return { PATH: process.env['PATH'], HOME: home, GIT_TERMINAL_PROMPT: '0', ...env };
}

const clone = async (settings: Record<string, string>): Promise<string> => {
  const target = join(folder(), 'repo');
  await run('git', ['clone', '--quiet', `${site.origin}/repo.git`, target], { env: await reaching(settings) });
  return readFileSync(join(target, 'file'), 'utf8');
};
const install = async (settings: Record<string, string>): Promise<string> => {
  const target = folder();
  const words = ['-m', 'pip', 'install', '--no-input', '--no-cache-dir', '--retries', '0', '--no-compile'];
  await run('python3', [...words, '--disable-pip-version-check', '--target', target, 'inside==1.0'], {
    env: await reaching(settings),
  });
  return readFileSync(join(target, 'inside.py'), 'utf8');
};
const download = async (settings: Record<string, string>): Promise<string> => {
  const output = join(folder(), 'model.bin');
  const limits = { ...LIMITS, tries: 1 };
  await fetchSource(`${site.origin}/model.bin`, output, settings, { isFile: true, limits });
  return readFileSync(output, 'utf8');
};

const WAYS = [
  ['git', clone, 'from the private repository\n'],
  ['pip', install, 'answer = 42\n'],
  ['a download', download, CONTENT.toString()],
] as const;

describe.skipIf(!hasOpenssl())('a private authority', { timeout: 60_000 }, () => {
  it.each(WAYS)('is trusted by %s where the host names it, and else not', async (_name, reach, text) => {
    expect(await reach(hostWith(null))).toBe(text);
    const failure: unknown = await reach(hostWith(null, false)).catch((error: unknown) => error);
    // Programs tell it on either stream, a download in its message.
    const told = failure instanceof Error ? `${failure.message} ${JSON.stringify(failure)}` : 'it was trusted';
    expect(told).toMatch(/certificate/i);
  });
});

describe.skipIf(!hasOpenssl())('a proxy of the host', { timeout: 60_000 }, () => {
  it.each(
    WAYS.flatMap(([name, reach, text]) =>
      (['http', 'https'] as const).map((kind) => [kind, name, reach, text] as const),
    ),
  )('that speaks %s is asked by %s for a tunnel', async (kind, _name, reach, text) => {
    const proxy = proxies[kind];
    const before = proxy.seen.length;
    expect(await reach(hostWith(proxy))).toBe(text);
    expect(new Set(proxy.seen.slice(before))).toEqual(new Set([new URL(site.origin).host]));
  });

  it.each(WAYS)('is left aside by %s for hosts that TEMPER_NO_PROXY names', async (_name, reach, text) => {
    const before = proxies.http.seen.length;
    expect(await reach({ ...hostWith(proxies.http), TEMPER_NO_PROXY: '127.0.0.1' })).toBe(text);
    expect(proxies.http.seen).toHaveLength(before);
  });
});

it.skipIf(hasOpenssl())('private authorities and proxies are skipped: there is no openssl to make certificates', () => {
  expect(hasOpenssl()).toBe(false);
});
