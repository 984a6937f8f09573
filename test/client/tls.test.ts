import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, resolveTarget, type ConnectFlags } from '../../src/client/connect.js';
import { readConfig } from '../../src/config.js';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'temper-tls-'));
  for (const name of ['crt', 'key', 'ca', 'system']) writeFileSync(join(home, name), name);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(() => {
  for (const name of ['ADDRESS', 'NAMESPACE', 'PROFILE', 'API_KEY', 'TLS']) vi.stubEnv(`TEMPORAL_${name}`, undefined);
  vi.stubEnv('TEMPORAL_CONFIG_FILE', join(home, 'temporal.toml'));
  vi.stubEnv('SSL_CERT_FILE', join(home, 'system'));
});
afterEach(() => vi.unstubAllEnvs());

const SYSTEM = { serverRootCACertificate: Buffer.from('system') };
const PAIR = { clientCertPair: { crt: Buffer.from('crt'), key: Buffer.from('key') } };
const file = (name: string): string => join(home, name);

async function tlsOf(flags: ConnectFlags, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(`TEMPORAL_${name}`, value);
  const { options } = await resolveTarget({ address: 'a:1', ...flags }, readConfig());
  return options.tls;
}

describe('the encryption of a connection', () => {
  it.each<[string, ConnectFlags, Record<string, string>, unknown]>([
    ['is off where nothing asks for it', {}, {}, undefined],
    ['is on with --tls, with what this machine trusts', { tls: true }, {}, SYSTEM],
    ['is on with the environment', {}, { TLS: 'true' }, SYSTEM],
    ['is on with an API key of the environment', {}, { API_KEY: 'k' }, SYSTEM],
    ['is on with an API key', { apiKey: 'k' }, {}, SYSTEM],
    ['is off with --no-tls', { tls: false }, { API_KEY: 'k' }, false],
    ['stays off where the environment says so', {}, { API_KEY: 'k', TLS: 'false' }, false],
    ['is on again with --tls', { tls: true }, { API_KEY: 'k', TLS: 'false' }, SYSTEM],
    ['trusts an own authority alone', { tlsCaPath: 'ca' }, {}, { serverRootCACertificate: Buffer.from('ca') }],
    [
      'shows a certificate',
      { tlsCertPath: 'crt', tlsKeyPath: 'key', tlsServerName: 's' },
      {},
      { ...PAIR, ...SYSTEM, serverNameOverride: 's' },
    ],
    [
      'takes part by part from flags over the environment',
      { tlsServerName: 's' },
      { TLS_CLIENT_CERT_PATH: 'crt', TLS_CLIENT_KEY_PATH: 'key' },
      { ...PAIR, ...SYSTEM, serverNameOverride: 's' },
    ],
  ])('%s', async (_what, flags, env, expected) => {
    const paths = <T extends object>(values: T): T => ({
      ...values,
      ...Object.fromEntries(
        Object.entries(values).flatMap(([name, value]) => (/path$/i.test(name) ? [[name, file(value)]] : [])),
      ),
    });
    const tls = await tlsOf(paths(flags), paths(env));
    expect(typeof tls === 'object' ? plain(tls) : tls).toEqual(
      typeof expected === 'object' ? plain(expected) : expected,
    );
  });

  it.each<[string, ConnectFlags]>([
    ['a certificate without its key', { tlsCertPath: 'crt' }],
    ['--no-tls beside another flag of it', { tls: false, tlsServerName: 's' }],
    ['a file that is not there', { tlsCaPath: '/gone' }],
  ])('refuses %s', async (_what, flags) => {
    await expect(tlsOf(flags)).rejects.toMatchObject({ problem: { code: 'UsageInvalid' } });
  });
});

/** Bytes as text, whatever array holds them, and without what is not set. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => {
      const bytes = inner instanceof Uint8Array ? inner : isJsonBuffer(inner) ? Uint8Array.from(inner.data) : null;
      return bytes === null ? inner : Buffer.from(bytes).toString();
    }),
  );
}

function isJsonBuffer(value: unknown): value is { readonly data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('a server that wants TLS', () => {
  let server: Http2SecureServer;
  let address = '';
  let hasKey: boolean | null = null;

  beforeAll(async () => {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const files = ['-keyout', file('server.key'), '-out', file('server.crt')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject, ...files], {
      stdio: 'ignore',
    });
    server = createSecureServer({ key: readFileSync(file('server.key')), cert: readFileSync(file('server.crt')) });
    // Like a server of before it told its abilities (status 12): the SDK goes on without them.
    server.on('stream', (stream, headers) => {
      hasKey = headers['authorization'] === 'Bearer secret';
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const bound = server.address();
    address = `localhost:${typeof bound === 'object' ? bound?.port : 0}`;
  });
  afterAll(() => server?.close());

  it('is reached with --tls when this machine trusts who signed it, and gets the API key', async () => {
    vi.stubEnv('SSL_CERT_FILE', file('server.crt'));
    vi.stubEnv('TEMPORAL_API_KEY', 'secret');
    const client = await connect({ address, tls: true });
    await client.close();
    expect(hasKey).toBe(true);
  });

  it('is named as such when it is not spoken to so', async () => {
    await expect(connect({ address, timeoutMs: 500 })).rejects.toMatchObject({
      problem: { code: 'Unreachable', fix: expect.stringContaining('--tls') },
    });
  });
});
