import type { HostileServer } from './hostile-server.js';
import { gitBlob, sha256 } from './support.js';

export type RepoKind = 'models' | 'datasets';
/** Contents by path in the repository. */
export type Files = Readonly<Record<string, Buffer>>;

/** Hugging Face's API, as the reference describes it: large files are redirected to a storage of another host. */
export function serveAsHuggingFace(
  { hub, storage, commit }: { readonly hub: HostileServer; readonly storage: HostileServer; readonly commit: string },
  kind: RepoKind,
  id: string,
  files: Files,
  large: readonly string[],
): void {
  const api = `/api/${kind}/${id}`;
  hub.json.set(`${api}/revision/main`, { value: { sha: commit } });
  const entries = Object.entries(files).map(([path, content]) => ({
    type: 'file',
    path,
    size: content.length,
    oid: large.includes(path) ? 'f'.repeat(40) : gitBlob(content),
    ...(large.includes(path) ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } } : {}),
  }));
  const folders = [...new Set(Object.keys(files).flatMap((path) => (path.includes('/') ? [path.split('/')[0]] : [])))];
  const half = Math.ceil(entries.length / 2);
  const next = `<https://huggingface.co${api}/tree/${commit}?recursive=true&cursor=abc>; rel="next"`;
  hub.json.set(`${api}/tree/${commit}?recursive=true`, { value: entries.slice(0, half), headers: { link: next } });
  hub.json.set(`${api}/tree/${commit}?recursive=true&cursor=abc`, { value: entries.slice(half) });
  const top = entries.filter(({ path }) => !path.includes('/'));
  const all = [...top, ...folders.map((path) => ({ type: 'directory', path, oid: '0'.repeat(40), size: 0 }))];
  hub.json.set(`${api}/tree/${commit}?recursive=false`, { value: all });
  for (const folder of folders) {
    const below = entries.filter(({ path }) => path.startsWith(`${String(folder)}/`));
    hub.json.set(`${api}/tree/${commit}/${String(folder)}?recursive=true`, { value: below });
    hub.json.set(`${api}/tree/${commit}/${String(folder)}?recursive=false`, { value: below });
  }
  const repo = `/${kind === 'models' ? '' : 'datasets/'}${id}/resolve/${commit}`;
  for (const [path, content] of Object.entries(files)) {
    if (large.includes(path)) storage.serve(`/blobs/${path}?X-Signature=secret`, content);
    else hub.serve(`${repo}/${path}`, content);
  }
  const before = hub.fault;
  hub.fault = (request, index) => {
    const path = request.path.startsWith(`${repo}/`) ? request.path.slice(repo.length + 1) : '';
    if (large.includes(path)) return { kind: 'redirect', to: `${storage.origin}/blobs/${path}?X-Signature=secret` };
    return before(request, index);
  };
}

/** ModelScope's API, as its own client uses it; `committer` is what it says of the newest commit. */
export function serveAsModelScope(
  hub: HostileServer,
  kind: RepoKind,
  id: string,
  files: Files,
  committer: unknown,
): void {
  const api = `/api/v1/${kind}/${id}/repo`;
  const list = Object.entries(files).map(([path, content]) => {
    hub.serve(`${api}?${new URLSearchParams({ Revision: 'master', FilePath: path }).toString()}`, content);
    return { Path: path, Name: path, Type: 'blob', Size: content.length, Sha256: sha256(content), IsLFS: true };
  });
  const value = {
    Code: 200,
    Success: true,
    Data: { Files: [...list, { Path: 'sub', Type: 'tree', Size: 0 }], LatestCommitter: committer },
  };
  const query = kind === 'models' ? '/files?Revision=master&Recursive=True' : '/tree?Revision=master&Recursive=True';
  hub.json.set(`${api}${query}${kind === 'models' ? '' : '&PageNumber=1&PageSize=200'}`, { value });
}
