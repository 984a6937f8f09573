import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readNetwork } from '../../../src/config.js';
import { HttpDoor } from '../../../src/host/download/http-door.js';
import { DOWNLOAD_LIMITS } from '../../../src/host/download/limits.js';
import type { DownloadLimits } from '../../../src/host/download/limits.js';
import type { Proof, RemoteFile } from '../../../src/host/download/remote-file.js';
import { runFetch } from '../../../src/host/download/run-fetch.js';
import type { FetchRequest } from '../../../src/host/download/run-fetch.js';
import type { TransferOptions } from '../../../src/host/download/transfer.js';
import { HostileServer } from './hostile-server.js';

/** Small and impatient: a test sees in a second what takes minutes outside. */
export const LIMITS: DownloadLimits = {
  ...DOWNLOAD_LIMITS,
  parallelFromBytes: 100_000,
  pieceBytes: 50_000,
  stallTimeoutMs: 400,
  answerTimeoutMs: 2_000,
  tries: 4,
  firstWaitMs: 1,
  maxWaitMs: 5,
  maxAskedWaitMs: 50,
  journalBytes: 20_000,
  journalMs: 50,
  claimBeatMs: 50,
  claimSilenceMs: 300,
  claimPollMs: 20,
};

/** A folder that goes with the test. */
export function scratchFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'temper-download-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A server that goes with the test. */
export async function startServer(): Promise<HostileServer> {
  const server = await new HostileServer().start();
  onTestFinished(() => server.stop());
  return server;
}

/** Options of a transfer without proxies, and the notes that it made. */
export function transferOptions(limits: Partial<DownloadLimits> = {}): TransferOptions & { readonly notes: string[] } {
  const all = { ...LIMITS, ...limits };
  const door = new HttpDoor(readNetwork({}), all);
  onTestFinished(() => door.close());
  const notes: string[] = [];
  const signal = new AbortController().signal;
  return { door, limits: all, signal, onBytes: () => undefined, note: (text) => notes.push(text), notes };
}

/** Bytes that do not repeat within a file, equal for equal seeds. */
export function randomBytes(length: number, seed = 1): Buffer {
  const blocks: Buffer[] = [];
  for (let made = 0; made < length; made += 32) blocks.push(createHash('sha256').update(`${seed} ${made}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function gitBlob(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** A file as a listing gives it, with its hash unless another proof is asked for. */
export function remoteFile(
  url: string,
  content: Buffer,
  proof?: Proof,
  bytes: number | null = content.length,
): RemoteFile {
  return { path: 'file.bin', name: 'file.bin', url, bytes, proof: proof ?? { kind: 'sha256', hex: sha256(content) } };
}

/** Names in a folder, those that begin with a dot included. */
export function namesIn(dir: string): string[] {
  return readdirSync(dir).sort();
}

/** Runs a whole fetch against servers of the test. */
export async function fetchSource(
  source: string,
  output: string,
  env: Record<string, string>,
  more: Partial<FetchRequest> = {},
): Promise<Awaited<ReturnType<typeof runFetch>>> {
  return runFetch({
    source,
    output,
    isFile: false,
    isModel: false,
    isOffline: false,
    network: readNetwork(env),
    limits: LIMITS,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    note: () => undefined,
    ...more,
  });
}
