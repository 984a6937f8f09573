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
  Data: z.object({ Files: z.array(FileSchema).nullish() }).nullish(),
});

/** Size of a page as ModelScope's own client asks for it (modelscope_hub, list_dataset_files_paginated). */
const PAGE_SIZE = 200;
const MAX_PAGES = 10_000;

/**
 * Lists files of ModelScope. Its API tells the sha256 of each file, and no commit of a branch: what the listing says
 * pins the contents, and a branch that moves meanwhile is found by them.
 */
export async function listModelScope(source: HubSource, endpoint: string, asking: Asking): Promise<Listing> {
  const name = showRemote(source);
  const revision = source.revision ?? 'master';
  const api = `${endpoint}/api/v1/${source.repoKind === 'model' ? 'models' : 'datasets'}/${source.id}/repo`;
  const files = source.repoKind === 'model' ? await modelFiles(api, revision, asking, name) : await datasetFiles();
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
  const commit = /^[0-9a-f]{40}$/.test(revision) ? revision : null;
  return { endpoint, commit, files: chooseFiles(source, name, listed) };

  async function datasetFiles(): Promise<Files> {
    const all: Files[number][] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = new URLSearchParams({ Revision: revision, Recursive: 'True' });
      query.set('PageNumber', String(page));
      query.set('PageSize', String(PAGE_SIZE));
      const found = await ask(`${api}/tree?${query.toString()}`, asking, name);
      all.push(...found);
      if (found.length < PAGE_SIZE) return all;
    }
    throw refused(name, `the listing has more than ${MAX_PAGES} pages`);
  }
}

type Files = readonly z.infer<typeof FileSchema>[];

async function modelFiles(api: string, revision: string, asking: Asking, name: string): Promise<Files> {
  const query = new URLSearchParams({ Revision: revision, Recursive: 'True' });
  return ask(`${api}/files?${query.toString()}`, asking, name);
}

async function ask(url: string, asking: Asking, name: string): Promise<Files> {
  const result = AnswerSchema.safeParse((await getJson(url, asking)).value);
  if (!result.success) throw refused(name, `its answer is not understood: ${result.error.issues[0]?.message ?? ''}`);
  const { Code: code, Success: isSuccess, Message: message, Data: data } = result.data;
  // Errors come with HTTP status 200, too.
  if (isSuccess === false || (code !== undefined && code !== 200))
    throw refused(name, `it says ${String(code)}: ${message ?? ''}`.trim());
  return data?.Files ?? [];
}

function refused(name: string, why: string): TemperError {
  return new TemperError('DownloadRefused', {
    where: name,
    what: 'ModelScope does not list the repository',
    why,
    fix: 'correct the source or its revision; for private ones set MODELSCOPE_API_TOKEN in the environment of the host worker',
  });
}
