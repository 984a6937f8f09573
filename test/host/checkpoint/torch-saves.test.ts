import { execFileSync } from 'node:child_process';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemIds, verify, warningIds } from './fixtures.js';

const PYTHON = resolve(import.meta.dirname, '../../../.temper/venv/bin/python');

/** Saves of torch itself that look otherwise than those of the training code. */
const PROGRAM = `
import pickle, sys, torch, torch.distributed.checkpoint as dcp
from torch.distributed._shard.sharded_tensor.metadata import TensorProperties as Older

root = sys.argv[1]

def save(name, iteration, step, **options):
    state = {
        'model': {'w': torch.arange(64.0), 'v': torch.ones(64)},
        'optimizer': {'state': {'w': {'step': step, 'exp_avg': torch.zeros(64), 'exp_avg_sq': torch.zeros(64)}}},
        'iteration': iteration,
    }
    writer = dcp.FileSystemWriter(f'{root}/{name}/iter_0000005', **options)
    dcp.save(state, storage_writer=writer, no_dist=True)

save('release', 5, torch.tensor(5.0))
save('int32', torch.tensor(5, dtype=torch.int32), torch.tensor(5, dtype=torch.int64))
save('bfloat16', 5, torch.tensor(5, dtype=torch.bfloat16))
save('later', torch.tensor(6, dtype=torch.int64), torch.tensor(5.0))
save('behind', 5, torch.tensor(3.0), single_file_per_rank=False)
save('ranks', 5, torch.tensor(5.0))
save('older', 5, torch.tensor(5.0))
path = f'{root}/older/iter_0000005/.metadata'
metadata = pickle.load(open(path, 'rb'))
for entry in metadata.state_dict_metadata.values():
    if hasattr(entry, 'properties'):
        entry.properties = Older(dtype=entry.properties.dtype)
del metadata.storage_meta
pickle.dump(metadata, open(path, 'wb'))
`;

describe('what torch saves', { timeout: 60_000 }, () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'temper-saves-'));
    execFileSync(PYTHON, ['-W', 'ignore', '-c', PROGRAM, root], { stdio: 'pipe' });
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each(['release', 'int32', 'bfloat16', 'older'])('is complete: %s', async (name) => {
    const report = await verify(join(root, name), true);
    expect(report).toMatchObject({ complete: true, iteration: 5, problems: [], hasOptimizer: true });
    expect(warningIds(report)).toEqual(['tracker-unusable']);
  });

  test('is of another iteration by a tensor of whole numbers', async () => {
    const report = await verify(join(root, 'later/iter_0000005'));
    expect(report.problems).toMatchObject([{ id: 'generation-mixed', what: 'it holds iteration 6, not 5' }]);
  });

  test('is told where the only counter of a shard is behind', async () => {
    const report = await verify(join(root, 'behind/iter_0000005'));
    expect(report).toMatchObject({ complete: true, problems: [] });
    expect(warningIds(report)).toContain('steps-behind');
  });

  test('has no metadata of all ranks where they did not bring it together', async () => {
    const dir = join(root, 'ranks/iter_0000005');
    await rename(join(dir, '.metadata'), join(dir, '__0.metadata'));
    const report = await verify(dir);
    expect(problemIds(report)).toEqual(['metadata-missing']);
    expect(report.problems[0]?.why).toContain('use_collectives=False');
  });
});
