import { createServer } from 'node:net';
import type { Server } from 'node:net';

/**
 * Below the range from which Linux hands out ports by itself (32768 up, ip(7)): an outgoing connection made between
 * choosing a port and using it cannot take it.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
/** Enough tries to find a free port among 12,000 unless nearly all are taken. */
const TRIES = 500;
const LOOPBACK = '127.0.0.1';

/** Ports handed out by this process, which must not come twice even while nobody listens on them yet. */
const reserved = new Map<number, Server>();

/**
 * A loopback TCP port that nobody listens on. Held for this process by an abstract socket until it ends, so that no
 * two processes that ask here get the same one. Throws when there is none.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (reserved.has(port)) continue;
    const claim = await listen({ path: `\0temper-port-${port}` });
    if (claim === null) continue;
    const probe = await listen({ host: LOOPBACK, port });
    if (probe === null) {
      claim.close();
      continue;
    }
    await new Promise((done) => probe.close(done));
    claim.unref();
    reserved.set(port, claim);
    return port;
  }
  throw new Error(`no free TCP port on ${LOOPBACK} between ${FIRST_PORT} and ${LAST_PORT} after ${TRIES} tries`);
}

/** Several different free ports. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function listen(
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen({ ...where, exclusive: true }, () => resolve(server));
  });
}
