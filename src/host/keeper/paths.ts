import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { keeperKey } from './names.js';

/** The files of one keeper. */
export interface KeeperPaths {
  readonly dir: string;
  readonly request: string;
  /** The program that this keeper runs: a copy, so that a redeploy cannot change a running one. */
  readonly program: string;
  readonly record: string;
  readonly exit: string;
  readonly stdout: string;
  readonly stderr: string;
  /** What the keeper itself had to say: empty when all is well. */
  readonly log: string;
}

/** Folder that holds all keepers of a scratch folder. */
export function keepersDir(scratch: string): string {
  return join(resolve(scratch), 'keepers');
}

/** The scratch folder that a keeper folder belongs to. */
export function scratchOf(keeperDir: string): string {
  return dirname(dirname(keeperDir));
}

/** The files of the keeper whose folder is `dir`. */
export function keeperPaths(dir: string): KeeperPaths {
  return {
    dir,
    request: join(dir, 'request.json'),
    program: join(dir, 'keeper.mjs'),
    record: join(dir, 'keeper.json'),
    exit: join(dir, 'exit.json'),
    stdout: join(dir, 'stdout.log'),
    stderr: join(dir, 'stderr.log'),
    log: join(dir, 'keeper.log'),
  };
}

/** Where the log of one global rank is linked; four digits sort up to 9999 ranks. */
export function rankLogPath(dir: string, rank: number, stream: 'out' | 'err'): string {
  return join(dir, `rank-${String(rank).padStart(4, '0')}.${stream}`);
}

/** sun_path of Linux holds 108 bytes with the closing NUL (unix(7)); a longer path is cut or refused. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Chooses the socket path: inside the keeper's folder, or, when scratch lies too deep, in a private folder of the
 * temporary folder. Throws when that folder exists but is not private to this user.
 */
export function chooseSocketPath(keeperDir: string): string {
  const near = join(keeperDir, 'talk.sock');
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES) return near;
  const uid = process.getuid?.() ?? 0;
  const name = `${keeperKey(keeperDir)}.sock`;
  const candidates = [tmpdir(), '/tmp'].map((base) => join(base, `temper-${uid}`));
  const folder = candidates.find((one) => Buffer.byteLength(join(one, name)) <= MAX_SOCKET_PATH_BYTES);
  if (folder === undefined) throw new Error(`no folder for sockets has a path short enough: ${candidates.join(', ')}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  // The temporary folder is open to all users: one of them may have made this folder first, to listen in.
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} must be a folder of user ${uid} with mode 0700; remove it`);
  }
  return join(folder, name);
}
