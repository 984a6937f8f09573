import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, freePorts } from './ports.js';

describe('freePorts', () => {
  it('gives different ports on which one can listen, below those that Linux hands out itself', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).toBe(50);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(20_000);
      expect(port).toBeLessThan(32_768);
      const server = createServer();
      await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
      await new Promise((done) => server.close(done));
    }
  });

  it('keeps a port from other processes although nobody listens on it yet', async () => {
    const port = await freePort();
    const code = `require('node:net').createServer().on('error', (e) => { console.log(e.code); }).listen('\\0temper-port-${port}', () => { console.log('free'); process.exit(); })`;
    expect(spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' }).stdout.trim()).toBe('EADDRINUSE');
  });
});
