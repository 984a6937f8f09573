import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';

/** A private authority, and a certificate of it for servers on this machine. */
export interface Authority {
  readonly caFile: string;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Whether this machine can make certificates. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes an authority that nobody else knows, below a folder. */
export function makeAuthority(dir: string): Authority {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    '-subj',
    '/CN=Own Authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  );
  openssl('req', ...curve, '-subj', '/CN=127.0.0.1', '-keyout', at('server.key'), '-out', at('server.csr'));
  writeFileSync(at('names.txt'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  const signed = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('names.txt'),
  ];
  openssl('x509', '-req', '-in', at('server.csr'), ...signed, '-out', at('server.pem'));
  return { caFile: at('ca.pem'), key: readFileSync(at('server.key')), cert: readFileSync(at('server.pem')) };
}

/** A server of this test, its address, and what it was asked for. */
export interface Running {
  readonly origin: string;
  readonly seen: string[];
  close(): Promise<void>;
}

/** Serves files over TLS, by path without query. */
export function serveFiles(authority: Authority, read: (path: string) => Buffer | null): Promise<Running> {
  const seen: string[] = [];
  const server = createTlsServer({ key: authority.key, cert: authority.cert }, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'https://x');
    seen.push(pathname);
    // Some builds of git wait for the end of a connection that comes through TLS within TLS.
    response.setHeader('connection', 'close');
    const content = read(pathname);
    const type = pathname.endsWith('/') ? 'text/html' : 'application/octet-stream';
    if (content === null) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type, 'content-length': content.length }).end(content);
  });
  return running(server, seen, 'https');
}

/** A proxy that opens tunnels; with an authority it is itself spoken to over TLS. */
export function openTunnels(authority: Authority | null): Promise<Running> {
  const seen: string[] = [];
  const server = authority === null ? createServer() : createTlsServer({ key: authority.key, cert: authority.cert });
  server.on('request', (_request, response) => response.writeHead(405).end());
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    seen.push(request.url ?? '');
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  return running(server, seen, authority === null ? 'http' : 'https');
}

async function running(server: Server, seen: string[], scheme: string): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Safe: a server that listens on a port has the address of one.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    seen,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
