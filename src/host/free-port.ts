import { createServer } from 'node:net';

/** A free port of an interface: the first free one of `wanted`, or any when none is wanted; null when none is free. */
export async function freePort(address: string, wanted: readonly number[]): Promise<number | null> {
  for (const port of wanted.length === 0 ? [0] : wanted) {
    const free = await bind(address, port);
    if (free !== null) return free;
  }
  return null;
}

function bind(address: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : null));
    });
  });
}
