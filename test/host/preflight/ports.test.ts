import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isLocalAddress, lookAtPorts } from '../../../src/host/preflight/ports.js';

describe('ports', () => {
  it('are free or taken, by whom', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // Safe: it listens on an address of IP.
    const { port } = server.address() as AddressInfo;
    expect(await lookAtPorts('127.0.0.1', [port])).toMatchObject([
      { port, state: 'taken', holder: expect.stringMatching(new RegExp(`^pid ${process.pid} `)) },
    ]);
    await new Promise((resolve) => server.close(resolve));
    expect(await lookAtPorts('127.0.0.1', [port])).toMatchObject([{ port, state: 'free', holder: null }]);
  });

  it('are passing while an outgoing connection has them, and after its end until the kernel frees them', async () => {
    const server = createServer((socket) => socket.on('end', () => socket.end()).resume());
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // Safe: it listens on an address of IP.
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    // Safe: it is connected.
    const port = client.localPort as number;
    expect(await lookAtPorts('127.0.0.1', [port])).toMatchObject([
      { port, state: 'passing', holder: expect.stringMatching(`^an outgoing connection of pid ${process.pid} `) },
    ]);
    client.resume().end();
    await once(client, 'close');
    await expect
      .poll(() => lookAtPorts('127.0.0.1', [port]))
      .toMatchObject([{ port, state: 'passing', holder: 'a connection that ended; freed within a minute' }]);
  });

  it('are looked for at an address of this machine', async () => {
    expect(await isLocalAddress('127.0.0.1')).toBe(true);
    // A network for documentation (RFC 5737), which no machine has.
    expect(await isLocalAddress('192.0.2.1')).toBe(false);
  });
});
