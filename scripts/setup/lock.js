import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a waiting set-up looks whether the other one has ended. */
const RETRY_MS = 500;

/**
 * Runs `work` while no other set-up of the same folder runs on this machine; waits for the other one to end.
 * The lock is an abstract Unix socket: the kernel frees it however its holder ends, so it is never stale.
 * @template T
 * @param {string} root folder to protect; must exist
 * @param {() => Promise<T>} work
 * @param {(ownerPid: string) => void} onWait called once when somebody else holds the lock
 * @returns {Promise<T>}
 */
export async function withSetupLock(root, work, onWait) {
  const name = `\0temper-setup-${createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 32)}`;
  let server = await listen(name);
  for (let isTold = false; server === null; server = await listen(name)) {
    const owner = await askOwner(name);
    if (!isTold && owner !== null) {
      onWait(owner);
      isTold = true;
    }
    await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await new Promise((done) => server.close(done));
  }
}

/** Takes the lock and answers everybody who asks with our pid; null when it is held. */
function listen(name) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(String(process.pid));
    });
    // EADDRINUSE is the lock being held; anything else is a defect of the machine and must be seen.
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen({ path: name, exclusive: true }, () => resolve(server));
  });
}

/** Pid of the holder, or null when it ended meanwhile. */
function askOwner(name) {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path: name });
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => (text += chunk));
    socket.on('end', () => resolve(text));
    socket.on('error', () => resolve(null));
  });
}
