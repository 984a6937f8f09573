import { z } from 'zod';
import { TemperError } from '../../domain/errors.js';
import { showRemote } from '../../domain/remote-source.js';
import type { HubSource } from '../../domain/remote-source.js';
import { getJson } from './get-json.js';
import { oneHeader } from './http-door.js';
import { chooseFiles, encodePath } from './listing.js';
import type { Asking, ListedFile, Listing } from './listing.js';
import type { Proof } from './remote-file.js';

const RevisionSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });

const EntrySchema = z.object({
  type: z.string(),
  path: z.string(),
  oid: z.string().optional(),
  size: z.int().nonnegative().optional(),
  lfs: z.object({ oid: z.string(), size: z.int().nonnegative() }).nullish(),
});

/** More pages than a repository can have; a server that always names a next one must not hold us for ever. */
const MAX_PAGES = 1_000;

/**
 * Lists files of Hugging Face, or of a mirror that serves its API: the revision's commit first, then the tree of that
 * commit, so that a branch that moves meanwhile changes nothing.
 */
export async function listHuggingFace(source: HubSource, endpoint: string, asking: Asking): Promise<Listing> {
  const name = showRemote(source);
  const kind = source.repoKind === 'model' ? 'models' : 'datasets';
  const api = `${endpoint}/api/${kind}/${source.id}`;
  const revision = encodeURIComponent(source.revision ?? 'main');
  const commit = read(RevisionSchema, (await getJson(`${api}/revision/${revision}`, asking)).value, name).sha;
  const repo = `${endpoint}/${source.repoKind === 'model' ? '' : 'datasets/'}${source.id}`;
  const listed: ListedFile[] = [];
  for (const path of await treePages(api, commit, source.path, asking, name)) {
    for (const { type, path: file, oid, size, lfs } of path) {
      if (type !== 'file') continue;
      const url = `${repo}/resolve/${commit}/${encodePath(file)}`;
      listed.push({ path: file, url, bytes: lfs?.size ?? size ?? null, proof: proofOf(lfs?.oid, oid) });
    }
  }
  return { endpoint, commit, files: chooseFiles(source, name, listed) };
}

type Page = readonly z.infer<typeof EntrySchema>[];

/** All pages of the tree that may hold the wanted path. The API lists folders only, so a file is found in its own. */
async function treePages(
  api: string,
  commit: string,
  wanted: string | null,
  asking: Asking,
  name: string,
): Promise<readonly Page[]> {
  const parent = wanted === null ? [] : wanted.split('/').slice(0, -1);
  const root = parent.length === 0 ? '' : `/${encodePath(parent.join('/'))}`;
  const first = await pagesOf(`${api}/tree/${commit}${root}?recursive=${String(wanted === null)}`, asking, name);
  const isFolder = wanted !== null && first.flat().some(({ type, path }) => type === 'directory' && path === wanted);
  if (!isFolder) return first;
  return pagesOf(`${api}/tree/${commit}/${encodePath(wanted)}?recursive=true`, asking, name);
}

async function pagesOf(start: string, asking: Asking, name: string): Promise<readonly Page[]> {
  const pages: Page[] = [];
  let next: string | null = start;
  while (next !== null) {
    if (pages.length >= MAX_PAGES) throw notUnderstood(name, `the listing has more than ${MAX_PAGES} pages`);
    const { value, headers } = await getJson(next, asking);
    pages.push(read(z.array(EntrySchema), value, name));
    next = nextOf(start, oneHeader(headers['link']));
  }
  return pages;
}

/** Address of the next page. Mirrors hand on links to the original host; the way stays with the one that was asked. */
function nextOf(start: string, link: string | null): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, start)) return null;
  const next = new URL(start);
  next.search = new URL(target, start).search;
  return next.href;
}

/** The `oid` of a file in LFS is that of its pointer and proves nothing about its contents. */
function proofOf(lfs: string | undefined, oid: string | undefined): Proof {
  const sha256 = lfs?.replace(/^sha256:/, '');
  if (sha256 !== undefined) return /^[0-9a-f]{64}$/.test(sha256) ? { kind: 'sha256', hex: sha256 } : { kind: 'none' };
  return oid !== undefined && /^[0-9a-f]{40}$/.test(oid) ? { kind: 'git-blob', hex: oid } : { kind: 'none' };
}

function read<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw notUnderstood(name, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function notUnderstood(name: string, why: string): TemperError {
  return new TemperError('DownloadRefused', {
    where: name,
    what: 'the answer of the hub is not understood',
    why,
    fix: 'check the mirror that is set for the hub: it must serve its API, too',
  });
}
