import { hideSecrets } from '../text/hide-secrets.js';
import { isRemote, parseRemote } from '../remote-source.js';
import type { FieldPath } from './finding.js';
import type { PartialSpec } from './partial-spec.js';
import { misplacedRemotes } from './paths.js';
import type { SpecRule } from './rules.js';

/** Rules about what is fetched from elsewhere. */
export const SOURCE_RULES: readonly SpecRule[] = [
  {
    id: 'path/remote',
    why: 'only a path on the hosts is read here, nothing is fetched',
    fix: 'bring it to the hosts and write its path from /',
    find: (_spec, value) =>
      misplacedRemotes(value).map(({ field, path }) => ({
        path: field,
        what: `${JSON.stringify(path)} is remote`,
        ...(field.at(-2) === 'images' ? { fix: 'write it under images.zip or images.hub, or give a folder' } : {}),
      })),
  },
  {
    id: 'data/images-source',
    why: 'images come from one place',
    fix: 'give exactly one of path, zip, hub',
    find: ({ data }) =>
      data.flatMap((set, index) => {
        if (set === undefined || set.format === 'synthetic' || set.images === undefined) return [];
        const { path, zip, hub } = set.images;
        const given = Object.entries({ path, zip, hub }).flatMap(([key, value]) => (value === undefined ? [] : [key]));
        if (given.length === 1) return [];
        const what = given.length === 0 ? 'images names no source' : `images has ${given.join(' and ')}`;
        return [{ path: ['data', index, 'images'], what }];
      }),
  },
  {
    id: 'data/source-form',
    why: 'only a source that can be read can be fetched',
    fix: 'write a path, hf-dataset:OWNER/NAME/PATH, modelscope-dataset:OWNER/NAME/PATH, or an http(s) address',
    find: (spec) =>
      sources(spec).flatMap(({ path, source, isTree }) => {
        if (!isRemote(source)) return isTree ? [{ path, what: `${JSON.stringify(source)} is no folder of a hub` }] : [];
        const read = parseRemote(source);
        const what = typeof read === 'string' ? read : null;
        if (what !== null) return [{ path, what: `${JSON.stringify(source)} cannot be fetched: ${what}` }];
        if (typeof read === 'string' || path[0] === 'weights') return [];
        if (read.kind === 'hub' && read.repoKind === 'model')
          return [{ path, what: `${JSON.stringify(source)} is a model, not data` }];
        return isTree && read.kind === 'url' ? [{ path, what: `${JSON.stringify(source)} is no folder of a hub` }] : [];
      }),
  },
  {
    id: 'data/sha256-unused',
    why: 'nothing would compare it',
    fix: 'remove it, or give it to what it belongs to',
    find: ({ data }) =>
      data.flatMap((set, index) => {
        if (set === undefined || set.format === 'synthetic') return [];
        const rows = set.annotationsSha256 !== undefined && !isRemote(set.annotations);
        const zip = set.images?.zipSha256 !== undefined && set.images.zip === undefined;
        return [
          ...(rows ? [breach(['data', index, 'annotationsSha256'], 'annotationsSha256 stands beside a path')] : []),
          ...(zip ? [breach(['data', index, 'images', 'zipSha256'], 'zipSha256 stands without zip')] : []),
        ];
      }),
  },
  {
    id: 'environment/offline',
    why: 'environment.offline is true, so nothing may be fetched',
    fix: 'bring it to the hosts and name its path, or remove environment.offline',
    find: (spec) =>
      spec.environment?.offline === true
        ? [...sources(spec).filter(({ source }) => isRemote(source)), ...repositories(spec).filter(isElsewhere)].map(
            ({ path, source }) => ({ path, what: `${source} is remote` }),
          )
        : [],
  },
  {
    id: 'environment/source-secret',
    why: 'a spec is stored in clear, shown and copied',
    fix: "remove it, and give it to git on the hosts (a credential helper, or url.insteadOf in git's settings)",
    find: (spec) =>
      repositories(spec)
        .filter(({ source }) => hideSecrets(source) !== source)
        .map(({ path, source }) => ({ path, what: `the address ${hideSecrets(source)} holds a password or token` })),
  },
];

interface Named {
  readonly path: FieldPath;
  readonly source: string;
  /** Whether only a folder of a hub can stand here. */
  readonly isTree: boolean;
}

/** Addresses that checkouts are cloned from, where the spec names them. */
function repositories({ environment }: PartialSpec): Pick<Named, 'path' | 'source'>[] {
  return Object.entries(environment?.sources ?? {}).flatMap(([name, { url }]) =>
    url === undefined ? [] : [{ path: ['environment', 'sources', name, 'url'], source: url }],
  );
}

/** Whether a repository is on another machine than the hosts. */
function isElsewhere({ source }: Pick<Named, 'source'>): boolean {
  return !source.startsWith('/') && !source.startsWith('file:');
}

function sources({ weights, data }: PartialSpec): Named[] {
  return [
    ...(weights === undefined ? [] : [{ path: ['weights', 'source'], source: weights.source, isTree: false }]),
    ...data.flatMap((set, index): Named[] => {
      if (set === undefined || set.format === 'synthetic') return [];
      const { zip, hub } = set.images ?? {};
      return [
        { path: ['data', index, 'annotations'], source: set.annotations, isTree: false },
        ...(zip === undefined ? [] : [{ path: ['data', index, 'images', 'zip'], source: zip, isTree: false }]),
        ...(hub === undefined ? [] : [{ path: ['data', index, 'images', 'hub'], source: hub, isTree: true }]),
      ];
    }),
  ];
}

function breach(
  path: FieldPath,
  what: string,
): { readonly path: FieldPath; readonly at: 'key'; readonly what: string } {
  return { path, at: 'key', what };
}
