import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { KeeperMessage, KeeperReply } from '../../schemas/keeper.js';
import type { KeptCommand } from './kept-command.js';

/** Longest line of the protocol in characters; the longest sensible one, a stop with its reason, is under 1000. */
const MAX_LINE = 65_536;
/** Far above the few that ever talk to one keeper; a bound for programs gone wild. */
const MAX_CLIENTS = 64;
const MAX_REASON = 500;

/** Answers clients: a JSON line in, a JSON line out. Nothing that arrives can end the keeper. */
export function listenForClients(socketPath: string, command: KeptCommand): Promise<Server> {
  const server = createServer((socket) => converse(socket, command));
  server.maxConnections = MAX_CLIENTS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      chmodSync(socketPath, 0o600);
      resolve(server);
    });
  });
}

function converse(socket: Socket, command: KeptCommand): void {
  let received = '';
  const answer = (reply: KeeperReply): boolean => socket.write(`${JSON.stringify(reply)}\n`);
  // A client that went away: there is nobody to tell.
  socket.on('error', () => socket.destroy());
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = `${received}${chunk}`.split('\n');
    received = lines.pop() ?? '';
    for (const line of lines) answer(handle(line, command));
    if (received.length > MAX_LINE) {
      answer(refusal(`a line is longer than ${MAX_LINE} characters`));
      socket.destroySoon();
    }
  });
}

function handle(line: string, command: KeptCommand): KeeperReply {
  const message = parseMessage(line);
  if (typeof message === 'string') return refusal(message);
  switch (message.op) {
    case 'stop':
      command.requestStop({
        requestedBy: 'client',
        reason: message.reason.slice(0, MAX_REASON),
        ...(message.graceMs === undefined ? {} : { graceMs: message.graceMs }),
      });
      break;
    case 'status':
    case 'ping':
      command.contact();
  }
  return { v: 1, ok: true, ...command.status() };
}

function refusal(error: string): KeeperReply {
  return { v: 1, ok: false, error };
}

/** The message, or what is wrong with it. */
function parseMessage(line: string): KeeperMessage | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null || !('v' in value) || !('op' in value)) {
    return 'not an object with "v" and "op"';
  }
  if (value.v !== 1) return `protocol version ${JSON.stringify(value.v)} is not 1`;
  if (value.op === 'status' || value.op === 'ping') return { v: 1, op: value.op };
  if (value.op !== 'stop') return `unknown op ${JSON.stringify(value.op)}`;
  if (!('reason' in value) || typeof value.reason !== 'string') return 'stop needs "reason", a string';
  if (!('graceMs' in value)) return { v: 1, op: 'stop', reason: value.reason };
  const { graceMs } = value;
  if (typeof graceMs !== 'number' || !Number.isInteger(graceMs) || graceMs < 0) {
    return '"graceMs" must be a whole number of milliseconds';
  }
  return { v: 1, op: 'stop', reason: value.reason, graceMs };
}
