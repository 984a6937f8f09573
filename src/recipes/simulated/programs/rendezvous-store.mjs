import { createServer } from 'node:net';
import { connectFrames, FrameSocket } from './frames.mjs';
import { PythonError } from './program-errors.mjs';

/**
 * The key-value store of a static rendezvous: the launcher of node 0 serves it at the master port, launchers and
 * ranks of all nodes find each other by it.
 * @param {string} host
 * @param {number} port
 * @returns {Promise<{ close(): void }>}
 * @throws PythonError in torch's words when the port is taken
 */
export async function serveStore(host, port) {
  const store = new Store();
  const server = createServer((socket) => void store.serve(new FrameSocket(socket)).catch(() => socket.destroy()));
  await new Promise((resolve, reject) => {
    server.once('error', (error) => reject(describeListenError(error, port)));
    server.listen({ host, port, exclusive: true }, () => resolve(undefined));
  });
  return { close: () => (server.close(), store.closeAll()) };
}

/** A client of the store. */
export class StoreClient {
  /**
   * @param {string} host
   * @param {number} port
   * @param {number} timeoutMs
   * @throws PythonError in torch's words when nobody listens in time
   */
  static async connect(host, port, timeoutMs) {
    const socket = await connectFrames(host, port, timeoutMs);
    if (socket !== null) return new StoreClient(socket);
    throw new PythonError(
      'torch.distributed.DistNetworkError',
      `The client socket has timed out after ${timeoutMs}ms while trying to connect to (${host}, ${port}).`,
    );
  }

  constructor(socket) {
    this.socket = socket;
  }

  /** @param {string} key @param {string} value */
  set(key, value) {
    this.socket.send(Buffer.from(JSON.stringify({ op: 'set', key, value })));
  }

  /**
   * The value of a key, as soon as somebody has set it.
   * @param {string} key
   * @returns {Promise<string>}
   */
  async get(key) {
    this.socket.send(Buffer.from(JSON.stringify({ op: 'get', key })));
    const lost = new Promise((_, reject) => {
      const tell = () =>
        reject(
          new PythonError(
            'torch.distributed.DistNetworkError',
            `failed to recv, got 0 bytes: the store at ${this.socket.peer} is gone`,
          ),
        );
      if (this.socket.isLost) tell();
      this.socket.onLost = tell;
    });
    const answer = await Promise.race([this.socket.receive(), lost]);
    this.socket.onLost = null;
    return answer.toString();
  }

  close() {
    this.socket.close();
  }
}

class Store {
  constructor() {
    this.values = new Map();
    this.waiting = new Map();
    this.sockets = new Set();
  }

  async serve(socket) {
    this.sockets.add(socket);
    socket.onLost = () => this.sockets.delete(socket);
    for (;;) {
      const { op, key, value } = JSON.parse((await socket.receive()).toString());
      if (op === 'set') this.set(key, value);
      else if (this.values.has(key)) socket.send(Buffer.from(this.values.get(key)));
      else this.waiting.set(key, [...(this.waiting.get(key) ?? []), socket]);
    }
  }

  set(key, value) {
    this.values.set(key, value);
    for (const socket of this.waiting.get(key) ?? []) socket.send(Buffer.from(value));
    this.waiting.delete(key);
  }

  closeAll() {
    for (const socket of this.sockets) socket.close();
  }
}

function describeListenError(error, port) {
  const isTaken = error.code === 'EADDRINUSE';
  return new PythonError(
    'torch.distributed.DistNetworkError',
    `The server socket has failed to listen on any local network address. port: ${port}, useIpv6: false, ` +
      `code: -${isTaken ? 98 : (error.errno ?? 0)}, name: ${error.code}, message: ${isTaken ? 'address already in use' : error.message}`,
  );
}
