import { createServer } from 'node:net';
import { connectFrames, FrameSocket } from './frames.mjs';
import { CollectiveError } from './program-errors.mjs';

/** How long ranks wait for one another at the start, as torch's store does: hosts are not ready at the same time. */
export const JOIN_TIMEOUT_MS = 300_000;

/**
 * Joins the ranks of a gang. Rank 0 is the hub of a star of TCP connections; its address comes through the store.
 * @param {{ rank: number, worldSize: number, host: string, store: import('./rendezvous-store.mjs').StoreClient,
 *   timeoutMs: number, isPeerLossNoticed: boolean }} options `timeoutMs` bounds every exchange; with
 *   `isPeerLossNoticed` false a lost connection is noticed by that time-out only, as on devices without one
 */
export async function joinCollectives(options) {
  const { rank, host, store } = options;
  if (rank === 0) return Hub.open(options);
  const address = JSON.parse(await store.get('rank0'));
  const socket = await connectFrames(address.host, address.port, JOIN_TIMEOUT_MS);
  if (socket === null) throw timedOut(JOIN_TIMEOUT_MS, 'connect', host);
  socket.send(Buffer.from(JSON.stringify({ rank })));
  return new Spoke(socket, options);
}

/** What ranks do together. All of them must make the same calls in the same order; each call is a barrier. */
class Collectives {
  constructor({ rank, worldSize, timeoutMs, isPeerLossNoticed }) {
    this.rank = rank;
    this.worldSize = worldSize;
    this.timeoutMs = timeoutMs;
    this.isPeerLossNoticed = isPeerLossNoticed;
  }

  /** Waits for all ranks. */
  async barrier() {
    await this.exchange(Buffer.alloc(0), () => Buffer.alloc(0));
  }

  /**
   * Sums of numbers over all ranks, added in the order of ranks: the same bits each time.
   * @param {readonly number[]} values
   * @returns {Promise<number[]>}
   */
  async sum(values) {
    const doubles = Float64Array.from(values);
    const answer = await this.exchange(Buffer.from(doubles.buffer), (all) => {
      const totals = new Float64Array(values.length);
      for (const one of all) {
        for (let index = 0; index < totals.length; index += 1) totals[index] += one.readDoubleLE(8 * index);
      }
      return Buffer.from(totals.buffer);
    });
    return values.map((_, index) => answer.readDoubleLE(8 * index));
  }

  /**
   * The values of all ranks in their order, at rank 0; null at the others.
   * @template T
   * @param {T} value
   * @returns {Promise<T[] | null>}
   */
  async gather(value) {
    let gathered = null;
    await this.exchange(Buffer.from(JSON.stringify(value)), (all) => {
      gathered = all.map((one) => JSON.parse(one.toString()));
      return Buffer.alloc(0);
    });
    return gathered;
  }

  /**
   * The values of all ranks in their order, everywhere.
   * @template T
   * @param {T} value
   * @returns {Promise<T[]>}
   */
  async gatherAll(value) {
    const answer = await this.exchange(Buffer.from(JSON.stringify(value)), (all) =>
      Buffer.from(`[${all.map(String).join(',')}]`),
    );
    return JSON.parse(answer.toString());
  }

  /** Bounds a wait by the time-out, and by the loss of a peer where that is noticed. */
  async bounded(sockets, wait) {
    let timer;
    const failure = new Promise((_, reject) => {
      timer = setTimeout(() => reject(timedOut(this.timeoutMs, 'recv', sockets[0]?.peer)), this.timeoutMs);
      if (!this.isPeerLossNoticed) return;
      for (const socket of sockets) {
        const tell = () => reject(peerClosed(socket.peer));
        if (socket.isLost) tell();
        socket.onLost = tell;
      }
    });
    try {
      return await Promise.race([wait, failure]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Rank 0: takes a message of everyone, combines them, answers everyone. */
class Hub extends Collectives {
  static async open(options) {
    const { host, store, worldSize } = options;
    const hub = new Hub(options);
    hub.sockets = Array(worldSize - 1);
    let missing = worldSize - 1;
    await new Promise((resolve, reject) => {
      const greet = async (socket) => {
        const { rank } = JSON.parse((await socket.receive()).toString());
        hub.sockets[rank - 1] = socket;
        missing -= 1;
        if (missing === 0) resolve(undefined);
      };
      // Whoever does not speak like a rank is none.
      hub.server = createServer((socket) => void greet(new FrameSocket(socket)).catch(() => socket.destroy()));
      hub.server.once('error', reject);
      hub.server.listen({ host, port: 0 }, () => {
        store.set('rank0', JSON.stringify({ host, port: hub.server.address().port }));
        if (missing === 0) resolve(undefined);
      });
      setTimeout(() => reject(timedOut(JOIN_TIMEOUT_MS, 'connect', host)), JOIN_TIMEOUT_MS).unref();
    });
    return hub;
  }

  async exchange(mine, combine) {
    const others = await this.bounded(this.sockets, Promise.all(this.sockets.map((socket) => socket.receive())));
    const answer = combine([mine, ...others]);
    for (const socket of this.sockets) socket.send(answer);
    return answer;
  }

  close() {
    this.server.close();
    for (const socket of this.sockets) socket.close();
  }
}

class Spoke extends Collectives {
  constructor(socket, options) {
    super(options);
    this.socket = socket;
  }

  async exchange(mine) {
    this.socket.send(mine);
    return this.bounded([this.socket], this.socket.receive());
  }

  close() {
    this.socket.close();
  }
}

function peerClosed(peer) {
  return new CollectiveError(
    `Connection closed by peer [${peer}]. This is typically caused by a remote worker crashing.`,
  );
}

function timedOut(timeoutMs, what, peer) {
  return new CollectiveError(`Timed out waiting ${timeoutMs}ms for ${what} operation to complete (peer ${peer}).`);
}
