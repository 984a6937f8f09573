import type { PipelineSpec } from '../../schemas/spec.js';
import { knownRevision, PINNED } from './revisions.js';

/** Names of the four repositories, as `environment.sources` and `environment.checkouts` of a spec have them. */
export const SOURCE_NAMES = ['mindspeedMm', 'megatronLm', 'mindspeed', 'transformers'] as const;
/** A repository that the environment is made of. */
export type SourceName = (typeof SOURCE_NAMES)[number];

/** A repository of the environment: where it comes from, at which commit, and where it lies. */
export interface Source {
  readonly name: SourceName;
  /** As the guide writes it; also the name of its folder. */
  readonly title: string;
  readonly url: string;
  /** Commit, or the tag that the guide names. */
  readonly ref: string;
  /** Folder, relative to the root of the environment. The working directory of everything is that of MindSpeed-MM. */
  readonly folder: string;
}

/** The guide's layout and commits (GLM-4.5V guide, 1.2); it pins MindSpeed-MM itself to none. */
const SOURCES: Readonly<Record<SourceName, Omit<Source, 'name'>>> = {
  mindspeedMm: {
    title: 'MindSpeed-MM',
    url: 'https://gitcode.com/Ascend/MindSpeed-MM.git',
    ref: PINNED.commit,
    folder: 'MindSpeed-MM',
  },
  megatronLm: {
    title: 'Megatron-LM',
    url: 'https://github.com/NVIDIA/Megatron-LM.git',
    ref: 'core_v0.12.1',
    folder: 'Megatron-LM',
  },
  mindspeed: {
    title: 'MindSpeed',
    url: 'https://gitcode.com/Ascend/MindSpeed.git',
    ref: 'd76dbddd4517d48a2fc1cd494de8b9a6cfdbfbab',
    folder: 'MindSpeed-MM/MindSpeed',
  },
  transformers: {
    title: 'transformers',
    url: 'https://github.com/huggingface/transformers.git',
    // The guide's 8cb5963 in full, because no server hands out a commit by a short id. It is the release 4.57.1.
    ref: '8cb5963cc22174954e7dca2c0a3320b7dc2f4edc',
    folder: 'MindSpeed-MM/transformers',
  },
};

/** The four repositories as a spec wants them. */
export function sourcesOf({ environment }: Pick<PipelineSpec, 'environment'>): Readonly<Record<SourceName, Source>> {
  const make = (name: SourceName): Source => {
    const own = SOURCES[name];
    const { ref, url } = environment.sources?.[name] ?? {};
    return { ...own, name, url: url ?? own.url, ref: fullRef(name, ref ?? own.ref) };
  };
  return {
    mindspeedMm: make('mindspeedMm'),
    megatronLm: make('megatronLm'),
    mindspeed: make('mindspeed'),
    transformers: make('transformers'),
  };
}

/** Whether a spec names something for a repository that may be another commit tomorrow; the guide's own tag is none. */
export function isMoving({ name, ref }: Source): boolean {
  return ref !== SOURCES[name].ref && !/^[0-9a-f]{40}$/i.test(ref);
}

/** The full id where a short one is known. */
function fullRef(name: SourceName, ref: string): string {
  if (name === 'mindspeedMm') return knownRevision(ref)?.commit ?? ref;
  const own = SOURCES[name].ref;
  return ref.length >= 7 && own.startsWith(ref.toLowerCase()) ? own : ref;
}
