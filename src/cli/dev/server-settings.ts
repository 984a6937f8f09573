import { existsSync, writeFileSync } from 'node:fs';

/**
 * Settings of the embedded server for gangs of some hundred hosts, which nobody else uses. `docs/scaling.md` tells what
 * each was measured to change.
 */
const SETTINGS = [
  // Long polls at a time, by kind: a host holds four, and the default of 1200 refuses those of the 300th host.
  'frontend.namespaceCount=4096',
  // Events that wait while a workflow task is under way. Above it (100 by default) the server fails the task, and its
  // worker begins the workflow again from the first event; all supervisors of 256 hosts that end at once bring 512.
  'history.maximumBufferedEventsBatch=4096',
];

/** A queue of a host is asked by one worker only: more partitions, four by default, cost memory and time. */
const ONE_PARTITION = ['matching.numTaskqueueReadPartitions=1', 'matching.numTaskqueueWritePartitions=1'];

/** Arguments of the embedded server on a database. */
export function serverSettings(database: string): string[] {
  const settings = hasOnePartition(database) ? [...SETTINGS, ...ONE_PARTITION] : SETTINGS;
  return settings.flatMap((one) => ['--dynamic-config-value', one]);
}

/**
 * Whether all queues of a database have had one partition from the beginning. An older database may hold tasks in the
 * others, where nobody would look for them.
 */
function hasOnePartition(database: string): boolean {
  const mark = `${database}.one-partition`;
  if (!existsSync(database)) writeFileSync(mark, '');
  return existsSync(mark);
}
