import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What holds a port: `pid 4711 python3` as far as this user may see it, and whether that only passes. */
export interface PortHolder {
  readonly holder: string | null;
  /** Nobody listens there: an outgoing connection has the port, or had it and the kernel has not freed it yet. */
  readonly isPassing: boolean;
}

/**
 * Who holds a port. The kernel gives outgoing connections any port of its range that is not reserved, and keeps it for up
 * to a minute after their end (TIME_WAIT), in which nobody can listen there.
 */
export function holderOf(port: number): PortHolder {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => socketsAt(file, port));
  const listening = sockets.filter(({ isListening }) => isListening);
  if (listening.length > 0) return { holder: programOf(listening), isPassing: false };
  // Another user's socket, or one of another namespace: nothing says that it passes.
  if (sockets.length === 0) return { holder: null, isPassing: false };
  const program = programOf(sockets);
  const isOver = sockets.every(({ inode }) => inode === NO_INODE);
  if (isOver) return { holder: 'a connection that ended; freed within a minute', isPassing: true };
  return { holder: `an outgoing connection${program === null ? '' : ` of ${program}`}`, isPassing: true };
}

interface Socket {
  readonly inode: string;
  readonly isListening: boolean;
}

/** TCP_LISTEN of the kernel's tcp_states.h, as /proc/net/tcp tells it. */
const LISTEN = '0A';
/** Of a socket that no process has any more. */
const NO_INODE = '0';

/** Sockets of a table of /proc/net with this local port; columns as in proc(5). */
function socketsAt(file: string, port: number): Socket[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const { 1: local, 3: state, 9: inode } = line.trim().split(/\s+/);
    return local?.endsWith(`:${hex}`) === true && inode !== undefined ? { inode, isListening: state === LISTEN } : [];
  });
}

/** `pid 4711 python3` of a process that has one of the sockets; null when this user may not see it. */
function programOf(sockets: readonly Socket[]): string | null {
  const inodes = new Set(sockets.map(({ inode }) => inode).filter((inode) => inode !== NO_INODE));
  if (inodes.size === 0) return null;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holdsSocket(pid, inodes)) return `pid ${pid} ${nameOf(pid)}`.trimEnd();
  }
  return null;
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
