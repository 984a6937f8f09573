import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can turn into a black hole: connections stay open, and nothing comes through in either direction. */
export interface Proxy {
  readonly address: string;
  /** What is sent is swallowed, new connections are accepted and never answered: as a network that drops all packets. */
  cut(): void;
  /** Resets what hung, as after a time-out, and lets new connections through. */
  heal(): void;
  close(): Promise<void>;
}

/** Opens a proxy on a free port, of the loopback if not told otherwise, to `target`, host:port. */
export async function openProxy(target: string, bindTo = '127.0.0.1'): Promise<Proxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    // A reset on one side shows as the end of the other.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = connect({ host, port: Number(port) });
    keep(upstream);
    forward(client, upstream, () => isCut);
    forward(upstream, client, () => isCut);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, bindTo, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the proxy has no port');
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `${bindTo}:${bound.port}`,
    cut: () => (isCut = true),
    heal: () => {
      isCut = false;
      reset();
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      reset();
      await closed;
    },
  };
}

function forward(from: Socket, to: Socket, isCut: () => boolean): void {
  from.on('data', (chunk) => {
    // What was lost on the way is never delivered late: the stream is broken from here on.
    if (!isCut()) to.write(chunk);
  });
  from.on('close', () => {
    if (!isCut()) to.destroy();
  });
}
