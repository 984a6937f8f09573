import type { PipelineSpec } from '../schemas/spec.js';
import { remoteSources } from './fetch-commands.js';
import type { Lint } from './recipe.js';

/** What a recipe says that works with what is on the hosts and fetches no data; `who` names it in the sentence. */
export function localDataLints(spec: PipelineSpec, who: string): Lint[] {
  const far = remoteSources(spec).filter(({ path }) => path[0] === 'data');
  const archives = spec.data.flatMap((set, index) =>
    set.format === 'synthetic' || set.images?.zip === undefined
      ? []
      : [{ path: ['data', index, 'images', 'zip'], source: set.images.zip }],
  );
  const fields = new Map([...far, ...archives].map((one) => [one.path.join('.'), one]));
  return [...fields.values()].map(({ path, source }) => ({
    id: 'data/source-unsupported',
    severity: 'error',
    acceptable: false,
    path,
    what: `${who} downloads and unpacks no data, but ${source} stands here`,
    why: 'it trains on rows that it makes itself, or on files that are on the hosts',
    fix: 'bring it to the hosts and name its path',
  }));
}
