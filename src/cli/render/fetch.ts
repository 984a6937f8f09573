import type { FetchManifest, UnzipReport } from '../../schemas/fetch.js';
import type { Paint } from '../output.js';
import { showBytes } from '../../domain/text/show-bytes.js';

/** What `temper fetch` shows. */
export function fetchText({ source, endpoint, commit, files, bytes }: FetchManifest, to: string, paint: Paint): string {
  const unproven = files.filter(({ proof }) => proof === 'none');
  return [
    `${to}: ${paint('green', `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${showBytes(bytes)}`)} of ${source} from ${endpoint}`,
    ...(commit === null ? [] : [`  commit ${commit}`]),
    ...unproven
      .slice(0, 5)
      .map(({ path, sha256 }) => `  ${paint('yellow', 'no hash was announced')} for ${path}; sha256 ${sha256}`),
    ...(unproven.length > 5 ? [`  and ${unproven.length - 5} more`] : []),
  ].join('\n');
}

/** What `temper unzip` shows. */
export function unzipText({ output, files, bytes, resumed }: UnzipReport, paint: Paint): string {
  const earlier = resumed === 0 ? '' : `, ${resumed} of them earlier`;
  return `${output}: ${paint('green', `${files} files, ${showBytes(bytes)}`)} unpacked and checked${earlier}`;
}
