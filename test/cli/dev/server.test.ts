import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startServer } from '../../../src/cli/dev/server.js';
import { findTemporalCli } from '../../../src/cli/dev/temporal-cli.js';
import { startTestServer, temporalCliPath } from '../../support/dev-server.js';
import type { TestServer } from '../../support/dev-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const cli = (...args: readonly string[]): string =>
  execFileSync(temporalCliPath(), [...args, '--address', server.address], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });

describe('startServer', () => {
  it('keeps finished runs for 90 days', () => {
    expect(cli('operator', 'namespace', 'describe', '-n', 'default')).toMatch(/WorkflowExecutionRetentionTtl\s+2160h/);
  });

  it('comes back on the same address with its history after kill -9', { timeout: 60_000 }, async () => {
    cli('workflow', 'start', '--type', 'nothing', '--task-queue', 'nobody', '--workflow-id', 'kept');
    const first = server.pid();
    server.kill();
    await vi.waitFor(() => expect([null, first]).not.toContain(server.pid()), 10_000);
    await vi.waitFor(
      () => expect(cli('workflow', 'describe', '--workflow-id', 'kept')).toMatch(/WorkflowId +kept/),
      20_000,
    );
  });

  it('says where the log is when the server does not come up', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'temper-no-server-'));
    writeFileSync(
      join(folder, 'temporal.db'),
      'this is no database, and long enough for SQLite to look at its header: '.repeat(50),
    );
    const options = {
      cli: temporalCliPath(),
      database: join(folder, 'temporal.db'),
      namespace: 'default',
      logs: folder,
      cwd: folder,
      env: {},
    };
    const told: string[] = [];
    await expect(
      startServer(options, { onChange: () => undefined, tell: (text) => told.push(text) }),
    ).rejects.toMatchObject({
      problem: {
        code: 'Unreachable',
        what: expect.stringMatching(/ended \(exit status/),
        why: expect.stringContaining(folder),
      },
    });
    const lines = readFileSync(join(folder, 'server.log'), 'utf8').split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^[a-z]+$/), role: 'server' });
    await rm(folder, { recursive: true });
  });
});

describe('findTemporalCli', () => {
  it('names the fix when there is none', () => {
    expect(() => findTemporalCli({ root: '/nowhere', home: '/nowhere', env: { PATH: '/nowhere' } })).toThrow(
      /npm start installs it/,
    );
    expect(() => findTemporalCli({ root: '/', home: '/', env: { TEMPER_TEMPORAL_CLI: '/nowhere/temporal' } })).toThrow(
      /\/nowhere\/temporal/,
    );
  });
});
