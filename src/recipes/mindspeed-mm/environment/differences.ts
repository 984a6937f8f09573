import { join } from 'node:path';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { HostTools } from '../../recipe.js';
import { checkoutOf } from '../layout.js';
import { sourcesOf, type SourceName } from '../sources.js';
import { isWanted, normalised } from './judge-python.js';
import { wantedPackages } from './packages.js';
import { GUIDE_FOLDERS, realCheckout, type ProbeFacts, type PythonFacts } from './probe.js';

/** What an installation step makes right. The order of the list is the order of the guide. */
export type Part =
  | { readonly kind: 'checkout'; readonly source: SourceName; readonly state: CheckoutState }
  | { readonly kind: 'megatronCopy' }
  | { readonly kind: 'folders' }
  | { readonly kind: 'venv'; readonly isBroken: boolean }
  | { readonly kind: 'packages' }
  | { readonly kind: 'editable'; readonly source: EditableSource };

/** A checkout that Python imports from where it lies. */
export type EditableSource = Exclude<SourceName, 'megatronLm'>;

/** `damaged`: a folder that is no repository; `unfetched`: a repository without the wanted commit. */
export type CheckoutState = 'missing' | 'damaged' | 'unfetched' | 'drifted' | 'changed';

/** One thing that is not as it should be, and what makes it right. */
export interface Difference {
  readonly part: Part;
  readonly sentence: string;
}

/**
 * Everything that differs from the guide's layout, in the order in which it must be made right. What follows from
 * another difference is named too: copying megatron again leaves the editable installation of MindSpeed-MM alone, but
 * installing MindSpeed-MM again replaces transformers.
 */
export function findDifferences(found: ProbeFacts, spec: PipelineSpec, tools: HostTools): readonly Difference[] {
  const megatronLm = checkoutDifference('megatronLm', found, spec);
  const mindspeedMm = checkoutDifference('mindspeedMm', found, spec);
  const isReplaced = mindspeedMm.some(({ part }) => part.kind === 'checkout' && isNew(part.state));
  const facts = isReplaced ? withoutNested(found) : found;
  const isMoved = megatronLm.length > 0 || isReplaced;
  const working = checkoutOf('mindspeedMm', spec, tools);
  const mindspeed = checkoutDifference('mindspeed', facts, spec);
  const transformers = checkoutDifference('transformers', facts, spec);
  return [
    ...mindspeedMm,
    ...megatronLm,
    ...megatronCopy(facts, isMoved),
    ...guideFolders(facts, working),
    ...mindspeed,
    ...transformers,
    ...pythonDifferences(facts, spec, tools, { mindspeed, mindspeedMm, transformers }),
  ];
}

/** How a checkout differs from the wanted commit; empty when it does not. */
export function checkoutDifference(name: SourceName, facts: ProbeFacts, spec: PipelineSpec): Difference[] {
  const { title, ref } = sourcesOf(spec)[name];
  const found = facts.checkouts[name];
  const differs = (state: CheckoutState, sentence: string): Difference[] => [
    { part: { kind: 'checkout', source: name, state }, sentence },
  ];
  if (found === undefined || !found.exists) return differs('missing', `${title} is not checked out`);
  if (found.head === null) return differs('damaged', `the folder of ${title} is no checkout`);
  if (found.wanted === null) return differs('unfetched', `${title} is at ${found.head} and does not know ${ref}`);
  if (found.head !== found.wanted) return differs('drifted', `${title} is at ${found.head}, wanted is ${found.wanted}`);
  return found.isChanged ? differs('changed', `files of ${title} differ from its commit ${found.head}`) : [];
}

/** What is left when the folder of MindSpeed-MM is made anew: all that the guide puts into it goes along with the old one. */
function withoutNested(facts: ProbeFacts): ProbeFacts {
  return { ...facts, checkouts: {}, megatron: { ...facts.megatron, copy: null }, folders: {} };
}

function isNew(state: CheckoutState): boolean {
  return state === 'missing' || state === 'damaged';
}

function megatronCopy({ megatron: { original, copy } }: ProbeFacts, isMoved: boolean): Difference[] {
  if (!isMoved && original !== null && copy === original) return [];
  const what = copy === null ? 'was not copied into' : 'is another one than that of the tag in';
  return [{ part: { kind: 'megatronCopy' }, sentence: `megatron/ ${what} MindSpeed-MM` }];
}

function guideFolders({ folders }: ProbeFacts, working: string): Difference[] {
  const missing = GUIDE_FOLDERS.filter((name) => folders[join(working, name)] !== true);
  if (missing.length === 0) return [];
  return [{ part: { kind: 'folders' }, sentence: `MindSpeed-MM lacks ${missing.join(', ')}` }];
}

type Moved = Readonly<Record<EditableSource, readonly Difference[]>>;

function pythonDifferences(facts: ProbeFacts, spec: PipelineSpec, tools: HostTools, moved: Moved): Difference[] {
  const { python } = facts;
  const found: Difference[] = [];
  if (python === null || !python.hasPip) {
    const sentence = python === null ? 'the virtual environment is not there' : 'the virtual environment has no pip';
    found.push({ part: { kind: 'venv', isBroken: python !== null }, sentence });
  }
  const wrong = Object.entries(wantedPackages(spec)).flatMap(([name, wanted]) => {
    const version = python?.packages[normalised(name)]?.version;
    return isWanted(version, wanted) ? [] : [`${name} is ${version ?? 'not installed'}, wanted is ${wanted}`];
  });
  if (wrong.length > 0 || found.length > 0) found.push({ part: { kind: 'packages' }, sentence: wrong.join('; ') });
  const isFresh = found.some(({ part }) => part.kind === 'venv');
  const why = (source: EditableSource): string | null => {
    if (moved[source].length > 0 || isFresh) return 'is to be installed from its new checkout';
    return python === null ? null : editableProblem(source, python, realCheckout(source, facts, spec, tools));
  };
  const editable = (source: EditableSource, reason: string): Difference => ({
    part: { kind: 'editable', source },
    sentence: `${sourcesOf(spec)[source].title} ${reason}`,
  });
  const mindspeed = why('mindspeed');
  const mindspeedMm = why('mindspeedMm');
  // The installation of MindSpeed-MM brings its own transformers.
  const transformers =
    why('transformers') ?? (mindspeedMm === null ? null : 'is to be installed again, after MindSpeed-MM');
  return [
    ...found,
    ...(mindspeed === null ? [] : [editable('mindspeed', mindspeed)]),
    ...(mindspeedMm === null ? [] : [editable('mindspeedMm', mindspeedMm)]),
    ...(transformers === null ? [] : [editable('transformers', transformers)]),
  ];
}

/** Distribution and module of an editable installation. */
export const INSTALLED = {
  mindspeed: { distribution: 'mindspeed', module: 'mindspeed' },
  mindspeedMm: { distribution: 'mindspeed-mm', module: 'mindspeed_mm' },
  transformers: { distribution: 'transformers', module: 'transformers' },
} as const;

/** Why a package must be installed again, or null. */
function editableProblem(source: EditableSource, python: PythonFacts, folder: string): string | null {
  const { distribution, module } = INSTALLED[source];
  const installed = python.packages[distribution];
  if (installed === undefined) return 'is not installed';
  if (installed.editable !== folder) {
    return `is installed from ${installed.editable ?? `a package of version ${installed.version}`}, not from its checkout`;
  }
  const place = python.modules[module];
  if (place === null || place === undefined || !place.startsWith(`${folder}/`))
    return `is imported from ${place ?? 'nowhere'}, not from its checkout`;
  if (source !== 'mindspeedMm') return null;
  const megatron = join(folder, 'megatron');
  const found = python.modules['megatron'];
  if (found !== megatron) return `was installed without megatron/: that is imported from ${found ?? 'nowhere'}`;
  return python.scripts['mm-convert'] === true ? null : 'was installed without its program mm-convert';
}
