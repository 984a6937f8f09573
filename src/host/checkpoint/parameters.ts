import { join } from 'node:path';
import type { CheckpointLayout } from '../../recipes/checkpoint-contract.js';
import { readDcpMetadata } from './dcp-read.js';
import { METADATA_FILE } from './locate.js';

/** Counts the parameters of a checkpoint folder, and those of them that `isTrained` names; reads its metadata only. */
export async function countParameters(
  dir: string,
  layout: CheckpointLayout,
  isTrained: (fqn: string) => boolean,
): Promise<{ readonly total: number; readonly trained: number }> {
  const { tensors } = await readDcpMetadata(join(dir, METADATA_FILE));
  let total = 0;
  let trained = 0;
  for (const [fqn, { size }] of tensors) {
    if (layout.isOptimizer(fqn)) continue;
    const elements = size.reduce((product, one) => product * one, 1);
    total += elements;
    if (isTrained(fqn)) trained += elements;
  }
  return { total, trained };
}
