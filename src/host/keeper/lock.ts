import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../system-error.js';
import { lockName } from './names.js';

/** Held until released or until the process ends, however it ends. */
export interface KeeperLock {
  release(): Promise<void>;
}

/** Takes the lock of a keeper folder, or answers null when another process of this host holds it. */
export function acquireLock(keeperDir: string): Promise<KeeperLock | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE')) resolve(null);
      else reject(error);
    });
    server.listen({ path: lockName(keeperDir), exclusive: true }, () => {
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

/** Whether some process holds the lock; a stopped or hung holder counts, because the kernel answers for it. */
export function isLocked(keeperDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: lockName(keeperDir) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Anything but a refusal, such as a full backlog, needs somebody who listens.
    socket.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED')));
  });
}

/** How often a lock that will be free in a moment is looked at. */
const RETRY_MS = 10;

/** Takes the lock, waiting at most `patienceMs` for its holder to go; null when it stays. */
export async function awaitLock(keeperDir: string, patienceMs: number): Promise<KeeperLock | null> {
  for (const patienceEndsAt = performance.now() + patienceMs; ; await sleep(RETRY_MS)) {
    const lock = await acquireLock(keeperDir);
    if (lock !== null || performance.now() >= patienceEndsAt) return lock;
  }
}
