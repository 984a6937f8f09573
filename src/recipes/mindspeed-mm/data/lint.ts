import { unloadable } from '../../../domain/data/loader-path.js';
import { isRemote } from '../../../domain/remote-source.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { Lint } from '../../recipe.js';

/** What of the data sets cannot be trained on, and what makes the run a trial. */
export function dataLints({ data }: Pick<PipelineSpec, 'data'>): Lint[] {
  const lints: Lint[] = [];
  for (const [index, set] of data.entries()) {
    if (set.format === 'synthetic') {
      lints.push({
        id: 'data/no-synthetic',
        severity: 'error',
        acceptable: false,
        path: ['data', index, 'format'],
        what: 'there are no synthetic rows for a released model',
        why: 'they are made for the tiny model of cpu-tiny',
        fix: 'use llava or mllm',
      });
      continue;
    }
    const { annotations, maxSamples } = set;
    const bad = isRemote(annotations) ? null : unloadable(annotations);
    if (bad !== null) {
      lints.push({
        id: 'data/comma-in-path',
        severity: 'error',
        acceptable: false,
        path: ['data', index, 'annotations'],
        what: `the path ${JSON.stringify(annotations)} holds ${bad}`,
        why: 'the loader gets all files of rows in one text and splits it at commas, spaces and all, then searches for each as for a pattern; it would look for other files, after the model was loaded',
        fix: 'rename the file or its folders; one more file is one more entry of data',
      });
    }
    if (maxSamples !== undefined) {
      lints.push({
        id: 'data/trial',
        severity: 'warning',
        acceptable: true,
        path: ['data', index, 'maxSamples'],
        what: `only the first ${maxSamples} rows are used: the run is a trial`,
        why: 'a model that saw a part of its data is never promoted',
        fix: 'remove maxSamples when the run is meant to count',
      });
    }
  }
  return lints;
}
