import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CAN_CUT_NETWORK, Networks } from './support/networks.js';

/** Says whether an address can be reached; what is swallowed ends as `silence`. */
const CONNECT = `const [host, port] = process.argv[1].split(' ');
const socket = require('node:net').connect({ host, port: Number(port), timeout: 1500 });
const say = (word) => () => { console.log(word); process.exit(); };
socket.on('connect', say('reached')).on('timeout', say('silence')).on('error', say('refused'));`;

it.skipIf(!CAN_CUT_NETWORK)('a pulled cable swallows what goes to the server, and ranks reach each other', async () => {
  const networks = new Networks();
  onTestFinished(() => networks.close());
  const [first, second] = [networks.plug(), networks.plug()];
  const server = createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, networks.serverSide, resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const from = ({ enter }: typeof first, host: string, at: number): string => {
    const words = [...enter, process.execPath, '-e', CONNECT, `${host} ${at}`];
    return spawnSync('env', words, { encoding: 'utf8' }).stdout.trim();
  };
  expect(from(first, networks.serverSide, port)).toBe('reached');
  first.cutServer();
  expect(from(first, networks.serverSide, port)).toBe('silence');
  expect(from(second, networks.serverSide, port)).toBe('reached');
  // Nobody listens there, and its kernel says so.
  expect(from(first, second.trainAddress, 9)).toBe('refused');
  first.heal();
  // A link that comes up again takes a moment.
  await vi.waitFor(() => expect(from(first, networks.serverSide, port)).toBe('reached'), {
    timeout: 20_000,
    interval: 200,
  });
  expect(first.unixSockets()).not.toContain('@');
});
