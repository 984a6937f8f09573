import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { temporalCliPath } from './dev-server.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** Set to a folder to keep histories, for `test/replay/histories`. */
const RECORD = process.env['TEMPER_RECORD_HISTORIES'];

/** Keeps the history of one execution as `<name>.json` where that was asked for; without a run id, of the newest. */
export async function recordHistory(
  address: string,
  {
    workflowId,
    runId = null,
    name,
  }: { readonly workflowId: string; readonly runId?: string | null; readonly name: string },
): Promise<void> {
  if (RECORD === undefined) return;
  await mkdir(RECORD, { recursive: true });
  // The CLI writes the JSON that the replayer reads; the SDK's own converter does not know every event.
  const which = ['-w', workflowId, ...(runId === null ? [] : ['-r', runId])];
  const args = ['workflow', 'show', '--address', address, ...which, '-o', 'json'];
  const { stdout } = await promisify(execFile)(temporalCliPath(), args, { maxBuffer: 1e8 });
  await writeFile(join(RECORD, `${name}.json`), JSON.stringify(JSON.parse(stdout), withoutPlaces));
}

/** A replay needs no stack traces and no names of workers, and they tell of the machine that recorded them. */
function withoutPlaces(key: string, value: unknown): unknown {
  if (key === 'stackTrace' || key === 'identity') return undefined;
  if (typeof value !== 'string') return value;
  // Payloads are the base64 of JSON, which holds paths too.
  if (key !== 'data') return withoutPlace(value);
  return Buffer.from(withoutPlace(Buffer.from(value, 'base64').toString())).toString('base64');
}

function withoutPlace(text: string): string {
  return text.replaceAll(ROOT, '/temper').replaceAll(`@${hostname()}`, '@host');
}
