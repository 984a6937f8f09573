import { z } from 'zod';
import { TemperError } from '../../domain/errors.js';
import { showRemote } from '../../domain/remote-source.js';
import type { HubSource } from '../../domain/remote-source.js';
import { getJson } from './get-json.js';
import { chooseFiles } from './listing.js';
import type { Asking, ListedFile, Listing } from './listing.js';

const FileSchema = z.object({
  Path: z.string(),
  Type: z.string().optional(),
  Size: z.int().nonnegative().nullish(),
  Sha256: z.string().nullish(),
});

const AnswerSchema = z.object({
  Code: z.int().optional(),
  Success: z.boolean().optional(),
  Message: z.string().nullish(),
  Data: z
    .object({
      Files: z.array(FileSchema).nullish(),
      LatestCommitter: z.object({ Id: z.string().nullish() }).nullish().catch(null),
    })
    .nullish(),
});

/** Size of a page as ModelScope's own client asks for it (modelscope_hub, list_dataset_files_paginated). */
const PAGE_SIZE = 200;
const MAX_PAGES = 10_000;

/** A whole commit id; short ones and names of branches pin nothing. */
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Lists files of ModelScope. Its API tells the sha256 of each file, which pins the contents: a branch that moves
 * meanwhile is found by them. The commit that a branch means stands in some listings and is empty in others.
 */
export async function listModelScope(source: HubSource, endpoint: string, asking: Asking): Promise<Listing> {
  const name = showRemote(source);
  const revision = source.revision ?? 'master';
  const api = `${endpoint}/api/v1/${source.repoKind === 'model' ? 'models' : 'datasets'}/${source.id}/repo`;
  const { files, head } =
    source.repoKind === 'model' ? await modelFiles(api, revision, asking, name) : await datasetFiles();
  const listed = files
    .filter(({ Type }) => Type !== 'tree')
    .map(({ Path, Size, Sha256 }): ListedFile => {
      const hex = Sha256?.toLowerCase() ?? '';
      const query = new URLSearchParams({ Revision: revision, FilePath: Path });
      return {
        path: Path,
        url: `${api}?${query.toString()}`,
        bytes: Size ?? null,
        proof: /^[0-9a-f]{64}$/.test(hex) ? { kind: 'sha256', hex } : { kind: 'none' },
      };
    });
  const commit = [revision, head ?? ''].find((id) => COMMIT.test(id)) ?? null;
  return { endpoint, commit, files: chooseFiles(source, name, listed) };

  async function datasetFiles(): Promise<Answer> {
    const all: Answer['files'][number][] = [];
    const heads = new Set<string | null>();
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = new URLSearchParams({ Revision: revision, Recursive: 'True' });
      query.set('PageNumber', String(page));
      query.set('PageSize', String(PAGE_SIZE));
      const found = await ask(`${api}/tree?${query.toString()}`, asking, name);
      all.push(...found.files);
      heads.add(found.head);
      // A branch that moved between two pages means no one commit.
      if (found.files.length < PAGE_SIZE) return { files: all, head: heads.size === 1 ? found.head : null };
    }
    throw refused(name, `the listing has more than ${MAX_PAGES} pages`);
  }
}

interface Answer {
  readonly files: readonly z.infer<typeof FileSchema>[];
  /** Newest commit of the revision, where the hub tells it. */
  readonly head: string | null;
}

async function modelFiles(api: string, revision: string, asking: Asking, name: string): Promise<Answer> {
  const query = new URLSearchParams({ Revision: revision, Recursive: 'True' });
  return ask(`${api}/files?${query.toString()}`, asking, name);
}

async function ask(url: string, asking: Asking, name: string): Promise<Answer> {
  const result = AnswerSchema.safeParse((await getJson(url, asking)).value);
  if (!result.success) throw refused(name, `its answer is not understood: ${result.error.issues[0]?.message ?? ''}`);
  const { Code: code, Success: isSuccess, Message: message, Data: data } = result.data;
  // Errors come with HTTP status 200, too.
  if (isSuccess === false || (code !== undefined && code !== 200))
    throw refused(name, `it says ${String(code)}: ${message ?? ''}`.trim());
  return { files: data?.Files ?? [], head: data?.LatestCommitter?.Id?.toLowerCase() ?? null };
}

function refused(name: string, why: string): TemperError {
  return new TemperError('DownloadRefused', {
    where: name,
    what: 'ModelScope does not list the repository',
    why,
    fix: 'correct the source or its revision; for private ones set MODELSCOPE_API_TOKEN in the environment of the host worker',
  });
}
