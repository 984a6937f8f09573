import { expect, it } from 'vitest';
import { isOwnMachine } from '../../src/domain/own-machine.js';

it.each([
  ...['localhost', 'LOCALHOST', 'localhost.', 'localhost.localdomain', 'h1.localhost', 'ip6-localhost', '127.0.0.1'],
  ...['127.1', '0.0.0.0', '0', '::1', '[::1]', '::1%lo', '0:0:0:0:0:0:0:1', '0000:0000:0000:0000:0000:0000:0000:0001'],
  ...['::', '0:0:0:0:0:0:0:0', '::ffff:127.0.0.1', '::FFFF:127.0.0.1', '0:0:0:0:0:ffff:127.0.0.1', '::ffff:7f00:1'],
  ...['::ffff:0.0.0.0', '::ffff:0:0'],
])('%s is another machine on each machine', (address) => {
  expect(isOwnMachine(address)).toBe(true);
});

it.each([
  ...['10.0.0.1', '192.168.127.1', '1.27.0.0', '10.127.0.1', 'node0', 'localhost-1', 'mylocalhost', 'fe80::1%eth0'],
  ...['fd00::1', '2001:db8::', '::ffff:10.0.0.1', '::ffff:a00:1', '1::1', '0:0:1:0:0:0:0:1', '::10'],
])('%s is one machine for all', (address) => {
  expect(isOwnMachine(address)).toBe(false);
});
