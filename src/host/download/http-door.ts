import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { errorText } from '../../domain/text/error-text.js';
import { EnvHttpProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { NetworkConfig } from '../../config.js';
import { TemperError } from '../../domain/errors.js';
import { VERSION } from '../../version.js';
import { Lasting, NoRanges, Passing } from './failures.js';
import type { DownloadLimits } from './limits.js';
import { readRetryAfter } from './patience.js';

/** An answer with status 200, 206 or 416, after redirects. Its body must be read or destroyed. */
export interface Answer {
  readonly status: 200 | 206 | 416;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
}

/** What of the network's settings all requests need. */
export type ProxyAndCa = Pick<NetworkConfig, 'httpProxy' | 'httpsProxy' | 'noProxy' | 'caFile'>;

/** What a hub gets with requests to its own address, and to no other. */
export interface Credentials {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Variable that the token comes from, for messages. */
  readonly variable: string;
}

/**
 * The way out: GET through proxies, with the host's authorities, with redirects followed by hand so that a token
 * reaches its hub and never the storage that the hub redirects to. Messages name addresses without their parameters,
 * which hold signatures.
 */
export class HttpDoor {
  readonly #agent: EnvHttpProxyAgent;
  readonly #credentials: Credentials | null;

  constructor(network: ProxyAndCa, limits: DownloadLimits, credentials: Credentials | null = null) {
    this.#credentials = credentials;
    const ca = network.caFile === undefined ? undefined : [...rootCertificates, readCa(network.caFile)];
    const tls = ca === undefined ? {} : { ca };
    this.#agent = new EnvHttpProxyAgent({
      // Empty texts keep the library from looking at the environment itself.
      httpProxy: network.httpProxy ?? '',
      httpsProxy: network.httpsProxy ?? '',
      noProxy: network.noProxy ?? '',
      // Many proxies open tunnels to port 443 only.
      proxyTunnel: false,
      connect: { ...tls, timeout: limits.connectTimeoutMs },
      requestTls: { ...tls, timeout: limits.connectTimeoutMs },
      proxyTls: { ...tls, timeout: limits.connectTimeoutMs },
      headersTimeout: limits.answerTimeoutMs,
      bodyTimeout: limits.stallTimeoutMs,
    });
  }

  /** Asks for an address. Throws `Passing` where trying again makes sense, and `TemperError` where it does not. */
  async get(address: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    let url = new URL(address);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const answer = await this.#ask(url, headers, signal);
      const { statusCode: status } = answer;
      if (status === 200 || status === 206 || status === 416) {
        const coding = answer.headers['content-encoding'];
        if (coding === undefined || coding === 'identity') return { ...answer, status };
        giveUp(answer);
        throw new NoRanges(`${showUrl(url)} answers in the coding ${String(coding)}, which was not asked for`);
      }
      // The connection is given up rather than read to its end: an error page has no length to rely on.
      giveUp(answer);
      const next = redirectOf(url, answer);
      if (next === null) throw this.#refusal(url, answer, hop > 0);
      url = next;
    }
    throw new Lasting(`${showUrl(url)} redirects more than ${MAX_REDIRECTS} times`);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const own = this.#credentials?.origin === url.origin ? this.#credentials.headers : {};
    try {
      return await request(url, {
        dispatcher: this.#agent,
        signal,
        headers: { 'user-agent': `temper/${VERSION}`, 'accept-encoding': 'identity', ...headers, ...own },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new Passing(`${showUrl(url)}: ${reasonOf(error)}`, null, { cause: error });
    }
  }

  #refusal(url: URL, { statusCode, headers }: Dispatcher.ResponseData, isElsewhere: boolean): Error {
    const what = `${showUrl(url)} answers ${statusCode}`;
    if (statusCode < 400) return new Lasting(`${what}, which is no file`);
    if (statusCode >= 500 || PASSING_STATUS.has(statusCode))
      return new Passing(what, readRetryAfter(headers['retry-after'], Date.now()));
    // A signed address of a storage runs out; the next request to the hub makes a new one.
    if (isElsewhere && EXPIRED_STATUS.has(statusCode)) return new Passing(what);
    const variable = this.#credentials?.variable;
    const isSent = this.#credentials?.origin === url.origin && Object.keys(this.#credentials.headers).length > 0;
    const token =
      variable === undefined
        ? 'correct the source in the spec'
        : isSent
          ? `check that the token in ${variable} may read it (gated models need an accepted licence), or correct the source`
          : `set ${variable} in the environment of the host's worker, or correct the source`;
    const isAccess = statusCode === 401 || statusCode === 403;
    return new TemperError('DownloadRefused', {
      where: showUrl(url),
      what: `the server answers ${statusCode}`,
      fix: isAccess ? token : 'correct the source or its revision in the spec',
    });
  }
}

const MAX_REDIRECTS = 5;
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 421, 425, 429]);
const EXPIRED_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 404, 410]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Ends an answer whose body is not wanted; that the library calls this an error is of no interest. */
export function giveUp({ body }: Pick<Answer, 'body'>): void {
  body.on('error', () => undefined).destroy();
}

/** An address without what may be secret in it. */
export function showUrl(url: URL | string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** A header that stands once, or null. */
export function oneHeader(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function redirectOf(from: URL, { statusCode, headers }: Dispatcher.ResponseData): URL | null {
  if (!REDIRECTS.has(statusCode)) return null;
  const location = oneHeader(headers['location']);
  const to = location === null || !URL.canParse(location, from.href) ? null : new URL(location, from);
  if (to === null || !/^https?:$/.test(to.protocol))
    throw new Lasting(`${showUrl(from)} redirects to no address of the web (${to?.protocol ?? String(location)})`);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new TemperError('DownloadRefused', {
      where: showUrl(from),
      what: `it redirects to ${showUrl(to)}, which is not protected`,
      fix: 'use another mirror',
    });
  }
  return to;
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TemperError('DownloadRefused', {
      where: file,
      what: 'the certificates of TEMPER_CA_FILE cannot be read',
      why: errorText(error),
      fix: 'name a PEM file that the worker can read',
    });
  }
}

/** The text of a network error, or of the first of several; never one with headers in it. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
