import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LENGTH_BYTES = 4;
/** How long to wait before another try to connect; the other side may still be starting. */
const RETRY_MS = 25;

/** A TCP connection that carries whole messages: a length in front of each. */
export class FrameSocket {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.received = [];
    this.waiting = null;
    this.isLost = false;
    this.onLost = null;
    let rest = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      rest = this.takeFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    });
    // The close that follows an error tells the same.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isLost = true;
      this.onLost?.();
    });
  }

  /** @param {Buffer} message */
  send(message) {
    const head = Buffer.alloc(LENGTH_BYTES);
    head.writeUInt32LE(message.length);
    if (!this.isLost) this.socket.write(Buffer.concat([head, message]));
  }

  /** The next message. It never comes when the connection is lost: whoever waits watches `onLost` or a clock. */
  receive() {
    if (this.received.length > 0) return Promise.resolve(this.received.shift());
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  /** Ends the connection after all that was sent. */
  close() {
    this.onLost = null;
    this.socket.end();
  }

  /** Hands out the whole frames of some bytes; answers what is left. */
  takeFrames(bytes) {
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      this.deliver(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    return bytes.subarray(at);
  }

  deliver(message) {
    const { waiting } = this;
    this.waiting = null;
    if (waiting === null) this.received.push(message);
    else waiting(message);
  }
}

/**
 * Connects, again and again while nobody listens.
 * @param {string} host
 * @param {number} port
 * @param {number} timeoutMs
 * @returns {Promise<FrameSocket | null>} null when nobody listened in time
 */
export async function connectFrames(host, port, timeoutMs) {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const socket = await tryConnect(host, port);
    if (socket !== null) return new FrameSocket(socket);
    if (performance.now() > until) return null;
    await sleep(RETRY_MS);
  }
}

function tryConnect(host, port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const fail = () => resolve(null);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}
