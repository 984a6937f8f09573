import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNetwork } from '../../src/config.js';
import { networkEnvironment } from '../../src/host/network-files.js';

const run = promisify(execFile);

/** A page of links that tells who asked for it. */
let page: Server;
let address = '';
let asked: string[] = [];
let home = '';
beforeEach(async () => {
  asked = [];
  home = mkdtempSync(join(tmpdir(), 'temper-offline-'));
  page = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('<a href="absent-1.0-py3-none-any.whl">absent</a>');
  });
  await new Promise<void>((resolve) => void page.listen(0, '127.0.0.1', resolve));
  const bound = page.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/`;
});
afterEach(async () => {
  page.closeAllConnections();
  await new Promise((resolve) => void page.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

/** What pip says about a package that is nowhere, run as a step of the installation. */
async function install(links: string | undefined, isOffline: boolean): Promise<string> {
  const network = readNetwork(links === undefined ? {} : { TEMPER_PIP_FIND_LINKS: links });
  const env = await networkEnvironment(join(home, 'scratch'), network, isOffline);
  const words = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--retries', '0', '--dry-run'];
  const own = { PATH: process.env['PATH'], HOME: home, PIP_FIND_LINKS: address, PIP_INDEX_URL: address };
  const failure: unknown = await run('python3', [...words, '--verbose', 'absent==2.0'], {
    env: { ...own, ...env },
  }).catch((error: unknown) => error);
  return JSON.stringify(failure);
}

describe('pip of an offline host', { timeout: 60_000 }, () => {
  it.each(['global', 'install'])(
    'asks no page of links, be it of the settings or of [%s] of the host',
    async (section) => {
      mkdirSync(join(home, '.config/pip'), { recursive: true });
      writeFileSync(join(home, '.config/pip/pip.conf'), `[${section}]\nfind-links = ${address}\n`);
      expect(await install(address, true)).toContain('No matching distribution');
      expect(asked).toEqual([]);
    },
  );

  it('looks into the folders that are named beside pages', async () => {
    mkdirSync(join(home, 'wheels'));
    const told = await install(`${address} ${join(home, 'wheels')}`, true);
    expect(told).toContain(join(home, 'wheels'));
    expect(asked).toEqual([]);
  });

  it('is asked about pages where the host is online', async () => {
    await install(address, false);
    expect(asked).toContain('/');
  });
});
