import { join } from 'node:path';
import { CALLS } from '../../domain/in-parallel.js';
import { GangBandwidthSchema, type HostFacts } from '../../schemas/preflight.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import type { Bandwidth } from '../measure-bandwidth.js';
import { runDir } from '../run/run-folder.js';

/**
 * Remembers what all hosts of a gang measured: they write and read at the same time then, as in a save, so their rates
 * add up. Does nothing when a host could not measure, because the rest would be taken for the whole.
 */
export async function recordBandwidth(workspace: string, run: string, facts: readonly HostFacts[]): Promise<void> {
  const measured = new Map(
    facts.flatMap(({ bandwidth, measurement }) => (bandwidth ? [[measurement, bandwidth]] : [])),
  );
  if (facts.length === 0 || facts.some(({ bandwidth }) => bandwidth === null)) return;
  const rates = [...measured.values()];
  // Hosts measure at the same time as many as are asked at a time.
  const together = Math.min(1, CALLS / rates.length);
  const sum = (values: readonly number[]): number => together * values.reduce((total, value) => total + value, 0);
  await writeJsonFile(bandwidthFile(workspace, run), {
    v: 1,
    at: new Date().toISOString(),
    hosts: facts.length,
    writeBytesPerSecond: sum(rates.map((rate) => rate.writeBytesPerSecond)),
    readBytesPerSecond: sum(rates.map((rate) => rate.readBytesPerSecond)),
    isReadCached: rates.some((rate) => rate.isReadCached),
  });
}

/** What the workspace does for the whole gang of a run, as its preflight measured; null when none did. */
export function gangBandwidth(workspace: string, run: string): Promise<Bandwidth | null> {
  return readJsonFile(bandwidthFile(workspace, run), GangBandwidthSchema);
}

function bandwidthFile(workspace: string, run: string): string {
  return join(runDir(workspace, run), 'bandwidth.json');
}
