import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from '@temporalio/client';
import type { Config } from '../config.js';
import { errorText } from '../domain/text/error-text.js';
import { TemperError } from '../domain/errors.js';

/** Flags about the encryption of the connection, named as the temporal CLI names them. */
export interface TlsFlags {
  /** Encrypted, without more settings. False: not, whatever the environment says. */
  readonly tls?: boolean;
  readonly tlsCertPath?: string;
  readonly tlsKeyPath?: string;
  readonly tlsCaPath?: string;
  readonly tlsServerName?: string;
}

type Tls = ConnectionOptions['tls'];

/** Where distributions keep the authorities that the machine trusts, as one file. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The encryption of a connection: what flags say, part by part over what environment and profile say. An API key goes
 * over no open line. Without an authority of its own, a server must be signed by one that the machine trusts; the
 * libraries alone differ in that, Node bringing a list of its own.
 */
export async function readTls(
  flags: TlsFlags,
  { configured, hasApiKey, config }: { readonly configured: Tls; readonly hasApiKey: boolean; readonly config: Config },
): Promise<Tls> {
  const { tlsCertPath, tlsKeyPath, tlsCaPath, tlsServerName } = flags;
  if ((tlsCertPath === undefined) !== (tlsKeyPath === undefined))
    throw new TemperError('UsageInvalid', { what: '--tls-cert-path and --tls-key-path go together' });
  const [crt, key, ca] = await Promise.all([tlsCertPath, tlsKeyPath, tlsCaPath].map(readKeyFile));
  const given = {
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(tlsServerName === undefined ? {} : { serverNameOverride: tlsServerName }),
  };
  const isGiven = Object.keys(given).length > 0;
  if (flags.tls === false) {
    if (!isGiven) return false;
    throw new TemperError('UsageInvalid', { what: '--no-tls and other --tls flags contradict each other' });
  }
  const isOff = configured === false || configured === null || configured === undefined;
  const isWanted = flags.tls === true || isGiven || hasApiKey || !isOff;
  if (!isWanted || (configured === false && flags.tls !== true && !isGiven)) return configured;
  const tls = { ...(typeof configured === 'object' ? configured : {}), ...given };
  if (tls.serverRootCACertificate !== undefined) return tls;
  const system = await readSystemBundle(config);
  return system === null ? tls : { ...tls, serverRootCACertificate: system };
}

/** Authorities that this machine trusts; null leaves it to the libraries. */
async function readSystemBundle({ caBundle }: Config): Promise<Buffer | null> {
  if (caBundle !== undefined) return (await readKeyFile(caBundle)) ?? null;
  for (const path of SYSTEM_BUNDLES) {
    const bundle = await readFile(path).catch(() => null);
    if (bundle !== null && bundle.length > 0) return bundle;
  }
  return null;
}

async function readKeyFile(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new TemperError(
      'UsageInvalid',
      { where: path, what: 'the file cannot be read', why: errorText(error) },
      { cause: error },
    );
  }
}
