import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ephemeralPorts } from '../../domain/preflight/ephemeral-ports.js';
import type { PortLook } from '../../domain/preflight/look.js';
import { systemErrorCode } from '../system-error.js';
import { holderOf } from './port-holders.js';

/** Whether each port could be listened on at an address, one after the other; nothing stays open. */
export async function lookAtPorts(address: string, ports: readonly number[]): Promise<readonly PortLook[]> {
  const isEphemeral = ephemeralPorts(kernelSetting('ip_local_port_range'), kernelSetting('ip_local_reserved_ports'));
  const looks: PortLook[] = [];
  for (const port of ports) {
    const code = await tryAgain(address, port);
    const facts = { port, isEphemeral: isEphemeral(port) };
    if (code === null) looks.push({ ...facts, state: 'free', holder: null });
    else if (code !== 'EADDRINUSE') looks.push({ ...facts, state: 'refused', holder: null });
    else {
      const { holder, isPassing } = holderOf(port);
      looks.push({ ...facts, state: isPassing ? 'passing' : 'taken', holder });
    }
  }
  return looks;
}

/** Whether an address (or a name of it) belongs to an interface of this machine. */
export async function isLocalAddress(address: string): Promise<boolean> {
  return (await tryListen(address, 0)) === null;
}

/** Hosts that share a machine look at one list of ports at the same time, each port for less than a millisecond. */
const TRIES = 3;

async function tryAgain(address: string, port: number): Promise<string | null> {
  for (let left = TRIES - 1; ; left -= 1) {
    const code = await tryListen(address, port);
    if (code !== 'EADDRINUSE' || left === 0) return code;
    await sleep(20 + Math.random() * 80);
  }
}

/** null when it could be listened on, else the code of the error. */
function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemErrorCode(error) ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** A setting of IPv4 of this network namespace, which counts for IPv6 too; empty where the kernel does not tell it. */
function kernelSetting(name: string): string {
  try {
    return readFileSync(`/proc/sys/net/ipv4/${name}`, 'latin1');
  } catch {
    return '';
  }
}
