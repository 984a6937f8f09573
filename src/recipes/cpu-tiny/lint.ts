import { resumeLints } from '../../domain/checkpoints/resume-contract-lint.js';
import type { DataSource } from '../../schemas/spec-data.js';
import type { PipelineSpec } from '../../schemas/spec.js';
import { localDataLints } from '../local-only.js';
import type { Lint } from '../recipe.js';
import { refuseOwned } from '../refuse-variable.js';
import { resume } from './resume.js';
import { unusedFields } from './unused-fields.js';
import { ownModelLints } from '../own-model.js';

/** What this recipe cannot do, and what is likely a mistake. */
export function lint(spec: PipelineSpec): readonly Lint[] {
  return [
    ...unsupported(spec),
    ...ownedVariables(spec),
    ...ownModelLints(spec),
    ...saves(spec),
    ...resumeLints(spec, resume.schedule(spec)),
  ];
}

/** Variables that the launch sets itself: a value in the spec would change nothing, or let a rank reach out. */
const OFFLINE = { why: 'after the set-up nothing is downloaded', fix: 'remove it' };
const OWNED: Readonly<Record<string, { readonly why: string; readonly fix: string }>> = {
  OMP_NUM_THREADS: { why: 'its value is train.threadsPerRank, or 1', fix: 'remove it and set train.threadsPerRank' },
  HF_HUB_OFFLINE: OFFLINE,
  TRANSFORMERS_OFFLINE: OFFLINE,
};

function ownedVariables({ train }: PipelineSpec): Lint[] {
  return Object.keys(train.env).flatMap((name) => {
    const owned = OWNED[name];
    return owned === undefined ? [] : [refuseOwned(name, owned)];
  });
}

function unsupported(spec: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  if (/^(hf|modelscope):/.test(spec.weights.source)) {
    lints.push({
      id: 'weights/hub-unsupported',
      severity: 'error',
      acceptable: false,
      path: ['weights', 'source'],
      what: `cpu-tiny downloads nothing, but the source is ${spec.weights.source}`,
      why: 'this recipe trains a model that it makes itself, or one in a local folder',
      fix: 'use seed:N, path:FOLDER or dcp:FOLDER',
    });
  }
  return [...lints, ...unusedFields(spec), ...unsupportedData(spec), ...localDataLints(spec, 'cpu-tiny')];
}

/** The training program takes one list of files, separated by commas, and one folder for the images of all. */
function unsupportedData({ data, workspace }: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  if (workspace.includes(',')) {
    lints.push({
      id: 'data/comma-in-workspace',
      severity: 'error',
      acceptable: false,
      path: ['workspace'],
      what: `the path ${workspace} holds a comma`,
      why: 'the rows are made there, and the training program would take their path for two files',
      fix: 'use a folder without a comma in its path',
    });
  }
  for (const [index, set] of data.entries()) {
    if (set.format !== 'mllm') continue;
    if (set.maxSamples !== undefined) {
      lints.push({
        id: 'data/max-samples-of-ready-rows',
        severity: 'error',
        acceptable: false,
        path: ['data', index, 'maxSamples'],
        what: `ready rows are used whole, but maxSamples is ${set.maxSamples}`,
        why: 'only conversion leaves rows out; all rows would be trained on',
        fix: `remove maxSamples and name a file with ${set.maxSamples} rows`,
      });
    }
    if (set.annotations.includes(',')) {
      lints.push({
        id: 'data/comma-in-path',
        severity: 'error',
        acceptable: false,
        path: ['data', index, 'annotations'],
        what: `the path ${set.annotations} holds a comma`,
        why: 'the training program would take it for two files',
        fix: 'rename the file or folder',
      });
    }
    const other = data.find((one) => one !== set && imageRootOf(one) !== null && imageRootOf(one) !== imageRootOf(set));
    if (set.images?.path !== undefined && other !== undefined) {
      lints.push({
        id: 'data/image-folders-differ',
        severity: 'error',
        acceptable: false,
        path: ['data', index, 'images', 'path'],
        what: `the images of ${set.name} and ${other.name} lie in different folders`,
        why: 'ready rows name images relative to one folder for all data sets',
        fix: 'name the images relative to a folder that holds all of them, and give that folder for both',
      });
    }
  }
  return lints;
}

/** Folder that the image names of the rows are relative to when they are trained on; null for rows without images. */
function imageRootOf(set: DataSource): string | null {
  if (set.format === 'mllm') return set.images?.path ?? null;
  return '/';
}

function saves({ train }: PipelineSpec): Lint[] {
  const { every } = train.checkpoint;
  if (every <= train.iterations / 2) return [];
  const left = every < train.iterations ? `one before the end, at ${every}` : 'one, at the end';
  return [
    {
      id: 'train/one-checkpoint',
      severity: 'warning',
      acceptable: true,
      path: ['train', 'checkpoint', 'every'],
      what: `a checkpoint every ${train.checkpoint.every} of ${train.iterations} iterations leaves ${left}`,
      why: 'any failure before it loses the whole training',
      fix: `set train.checkpoint.every to ${Math.max(1, Math.floor(train.iterations / 4))} or less`,
    },
  ];
}
