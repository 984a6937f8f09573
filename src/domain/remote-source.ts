import { isSecretName } from './text/secret-name.js';

/** A file or a tree of files that is not on the hosts yet. */
export type RemoteSource = HubSource | UrlSource;

/** Files of a repository of a model hub. */
export interface HubSource {
  readonly kind: 'hub';
  readonly hub: HubName;
  readonly repoKind: 'model' | 'dataset';
  /** `owner/name`, as the hub writes it. */
  readonly id: string;
  /** Commit, tag or branch; null is the hub's default branch. */
  readonly revision: string | null;
  /** File or folder within the repository; null is all of it. */
  readonly path: string | null;
}

/** A file behind an address. */
export interface UrlSource {
  readonly kind: 'url';
  readonly url: string;
}

/** The hubs that can be downloaded from. */
export type HubName = 'hf' | 'modelscope';

const HUB = /^(hf|modelscope)(-dataset)?:(.*)$/su;
/** Owner and name as both hubs allow them; a revision may hold slashes only where no path follows. */
const MODEL = /^([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/u;
const DATASET = /^([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?\/(.+)$/su;

/** Whether a text of the spec names something remote, well-formed or not; everything else is a path. */
export function isRemote(text: string): boolean {
  return HUB.test(text) || /^[a-z][a-z0-9+.-]*:\/\//iu.test(text);
}

/**
 * Reads `hf:OWNER/MODEL[@REVISION]`, `modelscope:OWNER/MODEL[@REVISION]`, `hf-dataset:OWNER/NAME[@REVISION]/PATH`,
 * `modelscope-dataset:OWNER/NAME[@REVISION]/PATH` and `http(s)://` addresses; a text is why it is none of them.
 */
export function parseRemote(text: string): RemoteSource | string {
  const hub = HUB.exec(text);
  if (hub === null) return parseUrl(text);
  const isDataset = hub[2] !== undefined;
  const match = (isDataset ? DATASET : MODEL).exec(hub[3] ?? '');
  const [, id = '', revision, path] = match ?? [];
  const form = `${hub[1] ?? ''}${hub[2] ?? ''}:OWNER/NAME`;
  if (match === null) return `it is not of the form ${form}${isDataset ? '/PATH' : ''}`;
  // The two dot names pass the pattern of owners and names, and would climb in the hub's addresses.
  const parts = [...id.split('/'), ...(revision?.split('/') ?? []), ...(path?.split('/') ?? [])];
  if (parts.some((part) => part === '.' || part === '..' || part === '')) return 'it holds an empty, . or .. part';
  return {
    kind: 'hub',
    // Safe: the pattern admits these two only.
    hub: hub[1] as HubName,
    repoKind: isDataset ? 'dataset' : 'model',
    id,
    revision: revision ?? null,
    path: path ?? null,
  };
}

/** The text that `parseRemote` reads back. */
export function showRemote(source: RemoteSource): string {
  if (source.kind === 'url') return source.url;
  const { hub, repoKind, id, revision, path } = source;
  const at = revision === null ? '' : `@${revision}`;
  return `${hub}${repoKind === 'dataset' ? '-dataset' : ''}:${id}${at}${path === null ? '' : `/${path}`}`;
}

/** Parameters of addresses that hold credentials, beside those whose name says so anywhere. */
const SIGNATURE = /SIGNATURE|^SIG$/iu;

/** Whether a parameter or variable of this name by custom holds a credential. */
export function isSecretParameter(name: string): boolean {
  return isSecretName(name) || SIGNATURE.test(name);
}

function parseUrl(text: string): UrlSource | string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'it is no address';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `Temper does not speak ${url.protocol}//`;
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password';
  const secret = [...url.searchParams.keys()].find(isSecretParameter);
  if (secret !== undefined) return `its parameter ${secret} looks like a secret`;
  if (url.hash !== '') return 'it holds a #';
  return { kind: 'url', url: url.href };
}
