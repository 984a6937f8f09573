import type { PipelineSpec } from '../../schemas/spec.js';
import type { Lint } from '../recipe.js';
import { dataLints } from './data/lint.js';
import { knownRevision, PINNED, REVISIONS } from './revisions.js';
import { RELEASED_LAYERS } from './sizes.js';
import { SOURCE_NAMES } from './sources.js';

/** What this recipe cannot do, and what is likely a mistake, before anything is trained. */
export function stageLints(spec: PipelineSpec): readonly Lint[] {
  return [...environmentLints(spec), ...revisionLints(spec), ...weightsLints(spec), ...dataLints(spec)];
}

/** The rest of a lint that nothing makes right but a changed spec. */
const REFUSED = { severity: 'error', acceptable: false } as const;

function environmentLints({ environment }: PipelineSpec): Lint[] {
  const { python, checkouts, folder, basePython, packages, sources, location } = environment;
  const lints: Lint[] = [];
  for (const key of ['sources', 'checkouts'] as const) {
    for (const name of Object.keys(environment[key] ?? {})) {
      if (SOURCE_NAMES.some((known) => known === name)) continue;
      lints.push({
        ...REFUSED,
        id: 'environment/unknown-source',
        path: ['environment', key, name],
        what: `there is no source ${name}`,
        why: 'it would have no effect',
        fix: `use one of ${SOURCE_NAMES.join(', ')}`,
      });
    }
  }
  if ((python === undefined) !== (checkouts === undefined)) {
    lints.push({
      ...REFUSED,
      id: 'environment/half-existing',
      path: ['environment', python === undefined ? 'checkouts' : 'python'],
      what: python === undefined ? 'checkouts stands without python' : 'python stands without checkouts',
      why: 'an existing environment is both: the interpreter, and the checkout that is the working directory',
      fix: 'give python and checkouts.mindspeedMm, or neither',
    });
  }
  if (checkouts !== undefined && checkouts['mindspeedMm'] === undefined) {
    lints.push({
      ...REFUSED,
      id: 'environment/no-working-directory',
      path: ['environment', 'checkouts'],
      what: 'checkouts does not name mindspeedMm',
      why: 'its folder is the working directory of every program',
      fix: 'add mindspeedMm: FOLDER; the others are looked for where the guide puts them',
    });
  }
  if (python === undefined) return lints;
  const unused = Object.entries({
    folder,
    basePython,
    packages,
    location: location === 'shared' ? location : undefined,
  });
  for (const [key, value] of unused) {
    if (value === undefined) continue;
    lints.push({
      ...REFUSED,
      id: 'environment/not-installed',
      path: ['environment', key],
      what: `environment.${key} stands beside environment.python`,
      why: 'an existing environment is verified and never changed',
      fix: `remove environment.${key}, or python and checkouts`,
    });
  }
  for (const [name, source] of Object.entries(sources ?? {})) {
    if (source.url === undefined) continue;
    lints.push({
      ...REFUSED,
      id: 'environment/not-installed',
      path: ['environment', 'sources', name, 'url'],
      what: `the repository of ${name} stands beside environment.python`,
      why: 'nothing is cloned into an existing environment',
      fix: 'remove url',
    });
  }
  return lints;
}

/** Loss, freezing and operators differ between commits: rules for one of them are not those of another. */
function revisionLints({ environment }: PipelineSpec): Lint[] {
  const ref = environment.sources?.['mindspeedMm']?.ref;
  if (ref === undefined || knownRevision(ref) !== null) return [];
  return [
    {
      severity: 'error',
      acceptable: true,
      id: 'environment/unknown-revision',
      path: ['environment', 'sources', 'mindspeedMm', 'ref'],
      what: `nothing is known of MindSpeed-MM at ${ref}`,
      why: 'where the averaging of the loss is said and what a frozen text decoder freezes differ between commits, and a setting in the wrong place is ignored without a word',
      fix: `remove it, or name one of ${REVISIONS.map(({ commit }) => commit.slice(0, 8)).join(', ')}; accepted, it is taken for one that trains as ${PINNED.commit.slice(0, 8)} does`,
    },
  ];
}

function weightsLints({ weights, fleet }: PipelineSpec): Lint[] {
  const lints: Lint[] = [];
  if (weights.source.startsWith('seed:')) {
    lints.push({
      ...REFUSED,
      id: 'weights/no-seed',
      path: ['weights', 'source'],
      what: `${weights.source} makes a model from nothing`,
      why: 'this recipe fine-tunes a released model',
      fix: 'use hf:zai-org/GLM-4.5V, modelscope:ZhipuAI/GLM-4.5V, path:FOLDER or dcp:FOLDER',
    });
  }
  if (weights.reduceLayers !== undefined && weights.source.startsWith('dcp:')) {
    lints.push({
      ...REFUSED,
      id: 'weights/reduce-converted',
      path: ['weights', 'reduceLayers'],
      what: 'a converted checkpoint cannot be reduced',
      why: 'layers are taken out of the Hugging Face folder, before the conversion',
      fix: 'use path:FOLDER or a hub source, or remove reduceLayers',
    });
  }
  if ((weights.reduceLayers ?? RELEASED_LAYERS) >= RELEASED_LAYERS && fleet.hosts === 1) {
    lints.push({
      severity: 'error',
      acceptable: true,
      id: 'weights/whole-model-on-one-host',
      path: ['fleet', 'hosts'],
      what: 'the whole model on one host',
      why: 'the guide: one host can run a model with fewer layers only; the weights of 106 billion parameters with their moments take 1.3 TB of device memory',
      fix: 'set weights.reduceLayers, such as 4, or take 8 hosts',
    });
  }
  return lints;
}
