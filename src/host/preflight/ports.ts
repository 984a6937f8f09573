import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PortLook } from '../../domain/preflight/look.js';
import { systemErrorCode } from '../system-error.js';

/** Whether each port could be listened on at an address, one after the other; nothing stays open. */
export async function lookAtPorts(address: string, ports: readonly number[]): Promise<readonly PortLook[]> {
  const looks: PortLook[] = [];
  for (const port of ports) {
    const code = await tryAgain(address, port);
    const state = code === null ? 'free' : code === 'EADDRINUSE' ? 'taken' : 'refused';
    looks.push({ port, state, holder: state === 'taken' ? holderOf(port) : null });
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

/** TCP_LISTEN of the kernel's tcp_states.h, as /proc/net/tcp tells it. */
const LISTEN = '0A';

/** `pid 4711 python3` of who listens on a port; null when this user may not see it. */
function holderOf(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(file, port)));
  if (inodes.size === 0) return null;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holdsSocket(pid, inodes)) return `pid ${pid} ${nameOf(pid)}`.trimEnd();
  }
  return null;
}

/** Socket inodes in a table of /proc/net that listen on a port; columns as in proc(5). */
function listeningInodes(file: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[1]?.endsWith(`:${hex}`) === true && fields[3] === LISTEN ? (fields[9] ?? []) : [];
  });
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const target = linkOf(`/proc/${pid}/fd/${fd}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    // It ended, or belongs to another user.
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
