import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WriteLook } from '../../domain/preflight/look.js';

/** A file system that can set blocks aside takes milliseconds for terabytes; one that takes longer is left alone. */
const LIMIT_MS = 5_000;

/** What `fallocate` of util-linux says where there is no room: free space that statfs tells may belong to a quota of others. */
const REFUSALS = /No space left on device|Disk quota exceeded|File too large/;

/**
 * Lets the file system set `bytes` aside for a file and gives them back at once; nothing is written. null where it
 * cannot do this (NFS before 4.2, FUSE) or takes too long. The file has no name, so nothing is left, not even by a kill.
 */
export async function tryToReserve(
  dir: string,
  bytes: number,
  { program = 'fallocate', limitMs = LIMIT_MS }: { readonly program?: string; readonly limitMs?: number } = {},
): Promise<WriteLook | null> {
  const path = join(dir, `.temper-reserve-${randomUUID()}`);
  const file = await open(path, 'wx', 0o600);
  try {
    await unlink(path);
    // Its own third descriptor is the file, by whose name in /proc it opens it again.
    const { code, said } = await run([program, '--length', String(bytes), '/proc/self/fd/3'], file.fd, limitMs);
    if (code === 0) return { bytes };
    const refused = REFUSALS.exec(said)?.[0];
    return refused === undefined ? null : { bytes, refused };
  } finally {
    await file.close();
  }
}

function run(
  [program = '', ...args]: readonly string[],
  fd: number,
  limitMs: number,
): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: '/',
      // Its texts are matched, so they must not be translated.
      env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'ignore', 'pipe', fd],
    });
    let said = '';
    const end = (code: number | null): void => {
      clearTimeout(timer);
      resolve({ code, said });
    };
    const timer = setTimeout(() => {
      // Not waited for: a system call that hangs outlives SIGKILL.
      child.kill('SIGKILL');
      child.unref();
      child.stderr?.destroy();
      end(null);
    }, limitMs);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', () => end(null));
    child.once('close', (code) => end(code));
  });
}
