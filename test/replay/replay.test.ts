import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { quietWorkers } from '../e2e/support/quiet.js';

const HISTORIES = join(import.meta.dirname, 'histories');
const BUNDLE = resolve(import.meta.dirname, '../../dist/workflow-bundle.js');
const files = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

/** Recorded by `TEMPER_RECORD_HISTORIES=test/replay/histories npx vitest run test/e2e`. */
describe('recorded histories', { timeout: 60_000 }, () => {
  beforeAll(quietWorkers);

  it('cover every workflow', () => {
    const types = files.map((name) => typeOf(JSON.parse(readFileSync(join(HISTORIES, name), 'utf8'))));
    expect(new Set(types)).toEqual(new Set(['fineTunePipeline', 'fleet', 'scheduledRetrain', 'trainGang']));
  });

  it('cover every way in which a retrain ends', () => {
    const ways = ['approved', 'cancelled', 'failed', 'promoted', 'refused', 'skipped'];
    expect(files.filter((name) => name.startsWith('temper_retrain_')).toSorted()).toEqual(
      ways.map((way) => `temper_retrain_${way}.json`),
    );
  });

  for (const name of files) {
    it(`replays ${name}`, async () => {
      const history: unknown = JSON.parse(readFileSync(join(HISTORIES, name), 'utf8'));
      await Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, name);
    });
  }

  it('does not replay with another workflow type, so the check can fail', async () => {
    const [name = ''] = files.filter((file) => file.endsWith('fleet.json'));
    const text = readFileSync(join(HISTORIES, name), 'utf8').replaceAll('"fleet"', '"trainGang"');
    await expect(
      Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, JSON.parse(text), name),
    ).rejects.toThrow();
  });
});

function typeOf(history: {
  events?: { workflowExecutionStartedEventAttributes?: { workflowType?: { name?: string } } }[];
}): string | undefined {
  return history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name;
}
