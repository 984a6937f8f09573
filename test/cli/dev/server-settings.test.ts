import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverSettings } from '../../../src/cli/dev/server-settings.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temper-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PARTITIONS = expect.arrayContaining([
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
]);

describe('the settings of the embedded server', () => {
  it('give a new database one partition for each queue, and keep to it', () => {
    const database = join(folder, 'temporal.db');
    expect(serverSettings(database)).toEqual(PARTITIONS);
    writeFileSync(database, '');
    expect(serverSettings(database)).toEqual(PARTITIONS);
  });

  it('leave the partitions of an older database as they are: it may hold tasks in each', () => {
    const database = join(folder, 'temporal.db');
    writeFileSync(database, '');
    const settings = serverSettings(database);
    expect(settings.filter((one) => one.startsWith('matching.'))).toEqual([]);
    expect(settings.filter((one) => one !== '--dynamic-config-value')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^history\.maximumBufferedEventsBatch=\d+$/)]),
    );
  });
});
