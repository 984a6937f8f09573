import type { PipelineSpec } from '../../schemas/spec.js';
import { localDataLints } from '../local-only.js';
import type { Lint } from '../recipe.js';
import { ownModelLints } from '../own-model.js';

/** What this recipe cannot do, and what is likely a mistake. */
export function lint(spec: PipelineSpec): readonly Lint[] {
  return [
    ...unsupportedSoftware(spec),
    ...unsupportedData(spec),
    ...localDataLints(spec, 'the simulated trainer'),
    ...ownModelLints(spec),
  ];
}

function unsupportedSoftware({ weights, environment }: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  if (/^(hf|modelscope):/.test(weights.source)) {
    lints.push({
      id: 'weights/hub-unsupported',
      severity: 'error',
      acceptable: false,
      path: ['weights', 'source'],
      what: `the simulated trainer downloads nothing, but the source is ${weights.source}`,
      why: 'it knows one model, which it makes itself',
      fix: 'use seed:N, path:FOLDER or dcp:FOLDER',
    });
  }
  for (const key of ['python', 'cannEnv', 'sources'] as const) {
    if (environment[key] === undefined) continue;
    lints.push({
      id: 'environment/unused',
      severity: 'error',
      acceptable: false,
      path: ['environment', key],
      what: `environment.${key} has no meaning for the simulated trainer`,
      why: 'its programs need Node and nothing else',
      fix: `remove environment.${key}`,
    });
  }
  return lints;
}

/** Rows are read as text in the format of training; there is no converter and no image here. */
function unsupportedData({ data }: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  for (const [index, set] of data.entries()) {
    const refuse = (key: string, what: string, fix: string): void => {
      lints.push({
        id: 'data/unsupported',
        severity: 'error',
        acceptable: false,
        path: ['data', index, key],
        what,
        why: 'the simulated trainer reads ready rows of text, all of them, and takes the files joined by commas',
        fix,
      });
    };
    if (set.format === 'llava')
      refuse('format', 'there is no conversion of llava rows', 'use synthetic, or mllm with ready rows');
    if (set.format !== 'mllm') continue;
    if (set.maxSamples !== undefined)
      refuse('maxSamples', `maxSamples is ${set.maxSamples}`, `remove it and name a file with ${set.maxSamples} rows`);
    if (set.annotations.includes(','))
      refuse('annotations', `the path ${set.annotations} holds a comma`, 'rename the file or folder');
  }
  return lints;
}
