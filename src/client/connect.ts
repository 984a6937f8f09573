import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../domain/text/error-text.js';
import { Client, Connection, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { readConfig, type Config } from '../config.js';
import { TemperError } from '../domain/errors.js';
import { FLEET_TIMING, LOCAL_TIMING } from '../domain/timing.js';
import { DevStateSchema, type DevState } from '../schemas/dev.js';
import type { Timing } from '../schemas/timing.js';
import { endableRetries } from './retries.js';
import { readTls, type TlsFlags } from './tls.js';

/** Flags that go before everything else, named as the temporal CLI names them. */
export interface ConnectFlags extends TlsFlags {
  readonly address?: string;
  readonly namespace?: string;
  readonly profile?: string;
  readonly apiKey?: string;
  /** How long to wait until the server answers, in milliseconds; some seconds when left out. */
  readonly timeoutMs?: number;
}

/** Where to connect to, and what follows from it. */
export interface Target {
  readonly options: Omit<ConnectionOptions, 'apiKey' | 'metadata'> & {
    readonly address?: string;
    readonly apiKey?: string;
  };
  readonly namespace: string;
  /** Timers of the runs started there. */
  readonly timing: Timing;
  /** Set when the target is the `temper dev` of this checkout. */
  readonly dev: DevState | null;
}

/** An open way to a server; whoever asks for it closes it. */
export interface TemperClient {
  readonly temporal: Client;
  readonly target: Target;
  close(): Promise<void>;
}

/** How long a command waits for the server before it says that there is none. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Finds the server: flags, then `TEMPORAL_*`, then a profile of temporal.toml, exactly as the temporal CLI does;
 * without any address the running `temper dev`.
 */
export async function resolveTarget(flags: ConnectFlags, config: Config = readConfig()): Promise<Target> {
  const loaded = loadProfile(flags.profile);
  const { address: configured, tls: configuredTls, ...rest } = loaded.connectionOptions;
  const address = flags.address ?? configured;
  const namespace = flags.namespace ?? loaded.namespace;
  const common = { ...rest, ...(flags.apiKey === undefined ? {} : { apiKey: flags.apiKey }) };
  if (address !== undefined) {
    const hasApiKey = common.apiKey !== undefined;
    const tls = await readTls(flags, { configured: configuredTls, hasApiKey, config });
    const options = { ...common, address, ...(tls === undefined ? {} : { tls }) };
    return { options, namespace: namespace ?? 'default', timing: FLEET_TIMING, dev: null };
  }
  const dev = await readDevState(config.home);
  if (dev === null)
    throw new TemperError('Unreachable', {
      what: 'no Temporal server is named, and no temper dev runs in this checkout',
    });
  return { options: { address: dev.address }, namespace: namespace ?? dev.namespace, timing: LOCAL_TIMING, dev };
}

function loadProfile(profile: string | undefined): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig({ ...(profile === undefined ? {} : { profile }) });
  } catch (error) {
    throw new TemperError(
      'UsageInvalid',
      {
        where: profile === undefined ? 'TEMPORAL_* and temporal.toml' : `--profile ${profile}`,
        what: 'the connection settings cannot be used',
        why: errorText(error),
        fix: 'correct them; temporal config list shows them',
      },
      { cause: error },
    );
  }
}

/** Connects; fails within seconds when nobody answers. */
export async function connect(flags: ConnectFlags = {}): Promise<TemperClient> {
  const target = await resolveTarget(flags);
  const retries = endableRetries();
  try {
    const connection = await Connection.connect({
      ...target.options,
      interceptors: [makeGrpcRetryInterceptor(retries.options)],
      connectTimeout: flags.timeoutMs ?? CONNECT_TIMEOUT_MS,
    });
    const temporal = new Client({ connection, namespace: target.namespace });
    const close = (): Promise<void> => retries.end().then(() => connection.close());
    return { temporal, target, close };
  } catch (error) {
    throw new TemperError(
      'Unreachable',
      {
        where: target.options.address ?? '',
        what: 'the Temporal server does not answer',
        why: errorText(error),
        ...(target.dev === null ? { fix: wayOn(target) } : {}),
      },
      { cause: error },
    );
  }
}

function wayOn({ options: { tls } }: Target): string {
  return tls === undefined || tls === false
    ? 'check the address; a server that wants TLS, such as Temporal Cloud, needs --tls, TEMPORAL_TLS=true or TEMPORAL_API_KEY'
    : 'check the address, and the certificates: --tls-ca-path names the authority of the server';
}

/** State of the `temper dev` of this checkout, or null. */
export async function readDevState(home: string): Promise<DevState | null> {
  const text = await readFile(join(home, 'dev.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const parsed = DevStateSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
