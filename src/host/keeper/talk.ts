import { connect } from 'node:net';
import { KeeperReplySchema } from '../../schemas/keeper.js';
import type { KeeperMessage, KeeperReply } from '../../schemas/keeper.js';

/** A keeper answers within milliseconds; on an overloaded host its turn may take seconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Sends one message to a keeper. Null when nobody answers sensibly in time, whatever the reason. */
export function ask(socketPath: string, message: KeeperMessage): Promise<KeeperReply | null> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let received = '';
    const settle = (reply: KeeperReply | null): void => {
      socket.destroy();
      resolve(reply);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => settle(null));
    socket.on('error', () => settle(null));
    socket.on('close', () => settle(null));
    socket.on('connect', () => socket.write(`${JSON.stringify(message)}\n`));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\n');
      if (end >= 0) settle(parseReply(received.slice(0, end)));
    });
  });
}

/** A connection that says nothing: it ends when the keeper does, which is sooner than the next poll. */
export interface EndWatch {
  /** Resolves when the connection ended or could not be made. */
  readonly ended: Promise<void>;
  cancel(): void;
}

/** Starts waiting for the keeper behind the socket to go away. */
export function watchEnd(socketPath: string): EndWatch {
  const socket = connect(socketPath);
  // The watch alone must not keep a program alive.
  socket.unref();
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  socket.resume();
  return { ended, cancel: () => socket.destroy() };
}

function parseReply(line: string): KeeperReply | null {
  try {
    return KeeperReplySchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
