import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporalCliPath } from './dev-server.js';

/** Set to a folder to keep histories, for `test/replay/histories`. */
const RECORD = process.env['TEMPER_RECORD_HISTORIES'];

/** Keeps the history of one execution as `<name>.json` where that was asked for. */
export async function recordHistory(address: string, workflowId: string, runId: string, name: string): Promise<void> {
  if (RECORD === undefined) return;
  await mkdir(RECORD, { recursive: true });
  // The CLI writes the JSON that the replayer reads; the SDK's own converter does not know every event.
  const args = ['workflow', 'show', '--address', address, '-w', workflowId, '-r', runId, '-o', 'json'];
  const { stdout } = await promisify(execFile)(temporalCliPath(), args, { maxBuffer: 1e8 });
  await writeFile(join(RECORD, `${name}.json`), JSON.stringify(JSON.parse(stdout), withoutPlaces));
}

/** A replay needs no stack traces and no names of workers, and they tell of the machine that recorded them. */
function withoutPlaces(key: string, value: unknown): unknown {
  if (key === 'stackTrace' || key === 'identity') return undefined;
  return typeof value === 'string' ? value.replaceAll(`@${hostname()}`, '@host') : value;
}
