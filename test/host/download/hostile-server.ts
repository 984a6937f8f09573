import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A file that the server has. */
export interface ServedFile {
  readonly content: Buffer;
  readonly etag: string | null;
  readonly lastModified?: string;
  readonly type?: string;
}

/** What the server does wrong in one answer. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** The connection is cut after so many bytes of the body. */
  | { readonly kind: 'drop'; readonly after: number }
  /** The body ends early and properly (chunked), as a proxy with a lost upstream does. */
  | { readonly kind: 'truncate'; readonly after: number }
  | { readonly kind: 'whole' }
  | { readonly kind: 'content-range'; readonly value: string | null }
  | { readonly kind: 'shifted' }
  | { readonly kind: 'longer' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'etag'; readonly etag: string | null }
  | { readonly kind: 'encoded' }
  | { readonly kind: 'stall'; readonly after: number }
  | { readonly kind: 'throttle'; readonly chunk: number; readonly delayMs: number }
  | { readonly kind: 'redirect'; readonly to: string };

export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server for ranges of files that misbehaves as it is told, one answer at a time. */
export class HostileServer {
  readonly files = new Map<string, ServedFile>();
  readonly seen: Seen[] = [];
  /** Decides what goes wrong with the n-th request (from 0). */
  fault: (request: Seen, index: number) => Fault | null = () => null;
  /** Told after each piece of a body that was sent. */
  onSent: (bytes: number) => void = () => undefined;
  /** Answers of APIs, by path with query. */
  readonly json = new Map<string, { readonly value: unknown; readonly headers?: Record<string, string> }>();
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  sentBytes = 0;

  /** Starts on a free port of this machine. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not run');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Serves bytes under a path and answers the address. */
  serve(path: string, content: Buffer, more: Partial<ServedFile> = {}): string {
    this.files.set(path, { content, etag: `"${createHash('md5').update(content).digest('hex')}"`, ...more });
    return `${this.origin}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = { path: request.url ?? '', headers: request.headers };
    const index = this.seen.push(seen) - 1;
    const fault = this.fault(seen, index);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end('an error page');
      return;
    }
    if (fault?.kind === 'redirect') {
      response.writeHead(302, { location: fault.to }).end();
      return;
    }
    const json = this.json.get(seen.path);
    if (json !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json', ...json.headers }).end(JSON.stringify(json.value));
      return;
    }
    const file = this.files.get(seen.path) ?? this.files.get(new URL(seen.path, 'http://x').pathname);
    if (file === undefined) {
      response.writeHead(404).end('not found');
      return;
    }
    await this.#send(file, seen, fault, response);
  }

  async #send(file: ServedFile, { headers }: Seen, fault: Fault | null, response: ServerResponse): Promise<void> {
    const etag = fault?.kind === 'etag' ? fault.etag : file.etag;
    const { content } = file;
    const condition = headers['if-range'];
    const isSame = condition === undefined || condition === etag || condition === file.lastModified;
    const asked = isSame && fault?.kind !== 'whole' ? /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') : null;
    if (etag !== null) response.setHeader('etag', etag);
    if (file.lastModified !== undefined) response.setHeader('last-modified', file.lastModified);
    if (file.type !== undefined) response.setHeader('content-type', file.type);
    if (fault?.kind === 'encoded') response.setHeader('content-encoding', 'gzip');
    let body = content;
    if (asked !== null) {
      const from = Number(asked[1]);
      const to = Math.min(asked[2] === '' ? content.length : Number(asked[2]) + 1, content.length);
      if (from >= content.length) {
        response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
        return;
      }
      body = content.subarray(from, to);
      if (fault?.kind === 'shifted') body = Buffer.concat([content.subarray(from + 1, to), content.subarray(0, 1)]);
      const range = fault?.kind === 'content-range' ? fault.value : `bytes ${from}-${to - 1}/${content.length}`;
      if (range !== null) response.setHeader('content-range', range);
      response.statusCode = 206;
    }
    if (fault?.kind === 'bytes') body = Buffer.from(body.map((byte) => byte ^ 0xff));
    if (fault?.kind === 'longer') body = Buffer.concat([body, Buffer.from('tail')]);
    // Chunked, so that neither an early nor a late end is seen by the transport.
    if (fault?.kind !== 'truncate' && fault?.kind !== 'longer') response.setHeader('content-length', body.length);
    await this.#stream(body, fault, response);
  }

  async #stream(body: Buffer, fault: Fault | null, response: ServerResponse): Promise<void> {
    const chunk = fault?.kind === 'throttle' ? fault.chunk : 16_384;
    const end =
      fault?.kind === 'drop' || fault?.kind === 'truncate' || fault?.kind === 'stall' ? fault.after : body.length;
    response.flushHeaders();
    for (let at = 0; at < Math.min(end, body.length); at += chunk) {
      const piece = body.subarray(at, Math.min(at + chunk, end));
      await new Promise<void>((resolve, reject) => {
        response.write(piece, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      });
      this.sentBytes += piece.length;
      this.onSent(this.sentBytes);
      if (fault?.kind === 'throttle') await sleep(fault.delayMs);
    }
    if (fault?.kind === 'drop') response.destroy();
    else if (fault?.kind !== 'stall') response.end();
  }
}
