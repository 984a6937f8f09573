import { rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NetworkConfig } from '../../config.js';
import { TemperError } from '../../domain/errors.js';
import { parseRemote } from '../../domain/remote-source.js';
import type { RemoteSource } from '../../domain/remote-source.js';
import type { FetchManifest } from '../../schemas/fetch.js';
import { writeJsonFile } from '../json-file.js';
import { assertDisk } from '../resources.js';
import type { ModelWish } from '../../domain/model-config.js';
import { assertConfig } from '../safetensors/inspect.js';
import { assertWholeModel } from '../safetensors/whole-model.js';
import { bringToCache, cacheKey, placeFile } from './cache.js';
import type { CachedFile } from './cache.js';
import { HttpDoor } from './http-door.js';
import type { Credentials } from './http-door.js';
import { listHuggingFace } from './huggingface.js';
import { DOWNLOAD_LIMITS } from './limits.js';
import type { DownloadLimits } from './limits.js';
import type { Asking, Listing } from './listing.js';
import { listModelScope } from './modelscope.js';
import type { RemoteFile } from './remote-file.js';

/** What `temper fetch` is asked for. */
export interface FetchRequest {
  /** A source as the spec writes it. */
  readonly source: string;
  /** Folder, or with `isFile` the file, that gets what is fetched. */
  readonly output: string;
  /** Folder of partial and whole downloads, kept; without it one beside the output, removed at the end. */
  readonly cache?: string | undefined;
  readonly manifest?: string | undefined;
  readonly sha256?: string | undefined;
  readonly isFile: boolean;
  /** Whether it is a model, whose safetensors files have to fit each other. */
  readonly isModel: boolean;
  /** Which model it must be; judged by its config.json before its weights are fetched. */
  readonly wish?: ModelWish | null;
  readonly isOffline: boolean;
  readonly network: NetworkConfig;
  readonly limits?: DownloadLimits;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FetchProgress) => void;
  readonly note: (text: string) => void;
}

/** How far a fetch has come. */
export interface FetchProgress {
  readonly doneBytes: number;
  /** null while a size is not known. */
  readonly totalBytes: number | null;
  readonly doneFiles: number;
  readonly files: number;
}

/** Fetches a source: lists it, downloads what is not in the cache, verifies all, puts it in place, tells what it is. */
export async function runFetch(request: FetchRequest): Promise<FetchManifest> {
  const { source, network, limits = DOWNLOAD_LIMITS, signal, note } = request;
  const remote = parseRemote(source);
  if (typeof remote === 'string')
    throw new TemperError('UsageInvalid', { where: source, what: `it cannot be fetched: ${remote}` });
  if (request.isOffline || network.isOffline) {
    throw new TemperError('OfflineForbids', {
      where: source,
      what: 'it is remote, and nothing may be fetched',
      why: request.isOffline ? 'environment.offline is true' : 'TEMPER_OFFLINE is set on this host',
    });
  }
  const door = new HttpDoor(network, limits, credentialsFor(remote, network));
  try {
    const asking = { door, limits, signal, note };
    const listing = await list(remote, request, asking);
    for (const file of listing.files) await assertPlace(targetOf(request, file));
    const cache = request.cache ?? join(dirname(request.output), `.${basename(request.output)}.downloads`);
    await judgeModel(listing.files, cache, request, asking);
    const cached = await download(listing.files, cache, request, asking);
    for (const one of cached)
      await place(one, targetOf(request, one.fetched), () =>
        download(
          listing.files.filter(({ path }) => path === one.fetched.path),
          cache,
          request,
          asking,
        ),
      );
    const manifest = manifestOf(source, listing, cached);
    if (request.manifest !== undefined) await writeJsonFile(request.manifest, manifest);
    if (request.isModel) await assertWholeModel(request.output);
    if (request.cache === undefined) await removeCache(cache, listing.files);
    return manifest;
  } finally {
    await door.close();
  }
}

/** Where a file of the listing comes to lie. */
function targetOf({ isFile, output }: FetchRequest, { path }: { readonly path: string }): string {
  return isFile ? output : join(output, path);
}

/** Before anything is downloaded: a file takes the place of an older one, but not of a folder. */
async function assertPlace(target: string): Promise<void> {
  const info = await stat(target).catch(() => null);
  if (info?.isDirectory() !== true) return;
  throw new TemperError('UsageInvalid', {
    where: target,
    what: 'a folder is there, and a file is to take its place',
    fix: 'give another output, or remove the folder',
  });
}

/** A token goes to the endpoint of its own hub; addresses get none. */
function credentialsFor(remote: RemoteSource, network: NetworkConfig): Credentials | null {
  if (remote.kind === 'url') return null;
  if (remote.hub === 'hf') {
    const { hfEndpoint, hfToken } = network;
    const headers: Record<string, string> = hfToken === undefined ? {} : { authorization: `Bearer ${hfToken}` };
    return { origin: new URL(hfEndpoint).origin, headers, variable: 'HF_TOKEN' };
  }
  const { modelscopeEndpoint, modelscopeToken: token } = network;
  // Its older interfaces know the token as a cookie (modelscope_hub, LegacyClient).
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}`, cookie: `m_session_id=${token}` };
  return { origin: new URL(modelscopeEndpoint).origin, headers, variable: 'MODELSCOPE_API_TOKEN' };
}

async function list(remote: RemoteSource, request: FetchRequest, asking: Asking): Promise<Listing> {
  const { network, sha256, isFile, source } = request;
  const listing =
    remote.kind === 'url'
      ? listUrl(remote.url, network, request.output)
      : remote.hub === 'hf'
        ? await listHuggingFace(remote, network.hfEndpoint, asking)
        : await listModelScope(remote, network.modelscopeEndpoint, asking);
  const [only, ...others] = listing.files;
  if (isFile && (only === undefined || others.length > 0))
    throw new TemperError('DownloadRefused', { where: source, what: 'it is a folder, and a file is wanted' });
  if (sha256 === undefined || only === undefined) return listing;
  if (others.length > 0)
    throw new TemperError('UsageInvalid', { where: source, what: 'a sha256 stands beside more than one file' });
  if (only.proof.kind === 'sha256' && only.proof.hex !== sha256) {
    throw new TemperError('DownloadUnproven', {
      where: source,
      what: `the hub has a file with sha256 ${only.proof.hex}, ${sha256} is wanted`,
    });
  }
  return { ...listing, files: [{ ...only, proof: { kind: 'sha256', hex: sha256 } }] };
}

function listUrl(address: string, { urlMirrors }: NetworkConfig, output: string): Listing {
  const mirror = urlMirrors.find(([from]) => address.startsWith(from));
  const url = mirror === undefined ? address : mirror[1] + address.slice(mirror[0].length);
  const path = basename(new URL(address).pathname) || basename(output);
  const file: RemoteFile = { path, name: address, url, bytes: null, proof: { kind: 'none' } };
  return { endpoint: new URL(url).origin, commit: null, files: [file] };
}

async function download(
  files: readonly RemoteFile[],
  cache: string,
  { signal, onProgress }: FetchRequest,
  asking: Asking,
): Promise<readonly CachedFile[]> {
  await assertRoom(files, cache);
  const known = files.every(({ bytes }) => bytes !== null);
  const totalBytes = known ? files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) : null;
  let [doneBytes, doneFiles] = [0, 0];
  const tell = (): void => onProgress({ doneBytes, totalBytes, doneFiles, files: files.length });
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    tell();
  };
  const stop = new AbortController();
  const options = { ...asking, onBytes, signal: AbortSignal.any([signal, stop.signal]) };
  const results: CachedFile[] = [];
  const failures: unknown[] = [];
  const queue = smallFirst(files).values();
  const worker = async (): Promise<void> => {
    for (const file of queue) {
      try {
        results.push(await bringToCache(cache, file, options));
        doneFiles += 1;
        tell();
      } catch (error) {
        failures.push(error);
        stop.abort();
      }
      if (stop.signal.aborted) return;
    }
  };
  // All of them end before an error is told: nothing writes on behind the caller's back.
  await Promise.all(Array.from({ length: asking.limits.files }, worker));
  if (failures.length > 0) throw failures[0];
  return results.toSorted((a, b) => (a.fetched.path < b.fetched.path ? -1 : 1));
}

async function judgeModel(
  files: readonly RemoteFile[],
  cache: string,
  request: FetchRequest,
  asking: Asking,
): Promise<void> {
  const { wish, source } = request;
  if (wish === undefined || wish === null) return;
  const config = files.filter(({ path }) => path === 'config.json');
  const [found] = await download(config, cache, { ...request, onProgress: () => undefined }, asking);
  if (found === undefined) throw new TemperError('SourceMissing', { where: source, what: 'it has no config.json' });
  await assertConfig(found.cached, wish, `config.json of ${source}`);
}

/** Puts a file in place; one that was removed from the cache since it was hashed is brought again, once. */
async function place(one: CachedFile, target: string, again: () => Promise<readonly CachedFile[]>): Promise<void> {
  try {
    await placeFile(one, target);
  } catch (error) {
    if ((await stat(one.cached).catch(() => null)) !== null) throw error;
    for (const fresh of await again()) await placeFile(fresh, target);
  }
}

/** What is wrong with a source shows early: config files come before what takes hours. */
function smallFirst(files: readonly RemoteFile[]): RemoteFile[] {
  const small = 64 * 1024 * 1024;
  const isSmall = ({ bytes }: RemoteFile): boolean => bytes !== null && bytes < small;
  return [...files.filter(isSmall), ...files.filter((file) => !isSmall(file))];
}

/** Fails before hours are spent when the disk cannot hold what is still to come. */
async function assertRoom(files: readonly RemoteFile[], cache: string): Promise<void> {
  let wanted = 0;
  for (const file of files) {
    const path = join(cache, cacheKey(file));
    const whole = await stat(path).catch(() => null);
    const part = whole ?? (await stat(`${path}.part`).catch(() => null));
    // Blocks, not size: a partial file has holes.
    const there = whole === null ? (part?.blocks ?? 0) * 512 : whole.size;
    wanted += Math.max(0, (file.bytes ?? 0) - there);
  }
  await assertDisk(cache, wanted, 'for what is still to be downloaded');
}

function manifestOf(source: string, { endpoint, commit }: Listing, cached: readonly CachedFile[]): FetchManifest {
  const files = cached.map(({ fetched }) => fetched);
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0);
  return { v: 1, source, endpoint: new URL(endpoint).origin, commit, files, bytes };
}

/** Takes the files of this fetch out of a cache that is not kept; another fetch may still use the folder. */
async function removeCache(cache: string, files: readonly RemoteFile[]): Promise<void> {
  for (const file of files) {
    await rm(join(cache, cacheKey(file)), { force: true });
    await rm(join(cache, `${cacheKey(file)}.json`), { force: true });
  }
  await rmdir(cache).catch(() => undefined);
}
