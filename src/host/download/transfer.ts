import { splitRanges } from '../../domain/byte-ranges.js';
import type { ByteRange } from '../../domain/byte-ranges.js';
import { TemperError } from '../../domain/errors.js';
import { hasEnd, ifRange, lengthOf, rangeOf, validatorOf } from './answer-facts.js';
import { Changed, Lasting, NoRanges, Passing } from './failures.js';
import { giveUp, oneHeader, reasonOf, showUrl } from './http-door.js';
import type { Answer, HttpDoor } from './http-door.js';
import type { DownloadLimits } from './limits.js';
import type { Partial } from './partial-file.js';
import { Patience } from './patience.js';
import type { RemoteFile } from './remote-file.js';

/** What a transfer works with. */
export interface TransferOptions {
  readonly door: HttpDoor;
  readonly limits: DownloadLimits;
  readonly signal: AbortSignal;
  /** Bytes that came, for progress; negative when they have to come again. */
  readonly onBytes: (bytes: number) => void;
  readonly note: (text: string) => void;
}

/**
 * Brings a partial file to its full size: over several connections where the server serves ranges of one version of
 * the file, over one otherwise. It judges lengths and versions, not content. `isWhole`: no ranges are asked for.
 */
export async function transfer(
  file: RemoteFile,
  part: Partial,
  options: TransferOptions,
  isWhole = false,
): Promise<void> {
  const { limits, signal, note } = options;
  const patience = new Patience(file.name, limits);
  const run = { file, part, options, patience };
  let isSequential = isWhole;
  // Parts without a version to compare are only put together where a hash decides in the end.
  const isUnknown = part.bytes === null || (part.validator === null && file.proof.kind === 'none');
  if (isSequential || isUnknown) await restart(run);
  for (let restarts = 0; ;) {
    try {
      await (isSequential ? fetchWhole(run) : fetchParts(run));
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Changed) {
        restarts += 1;
        if (restarts > limits.restarts) throw failed(file, `it changed ${restarts} times meanwhile`, error);
        note(`${file.name}: ${error.message}; it is downloaded anew`);
        await restart(run);
      } else if (error instanceof NoRanges) {
        if (isSequential) await patience.wait(new Lasting(error.message), signal, note);
        else note(`${file.name}: ${error.message}; it is downloaded in one piece`);
        isSequential = true;
        await restart(run);
      } else if (error instanceof Passing) {
        await patience.wait(error, signal, note);
      } else {
        throw error;
      }
    }
  }
}

interface Run {
  readonly file: RemoteFile;
  readonly part: Partial;
  readonly options: TransferOptions;
  readonly patience: Patience;
}

async function restart({ part, options }: Run): Promise<void> {
  options.onBytes(-part.doneBytes);
  await part.reset();
}

/** One round over what is missing; ends when nothing is, or with the first failure. */
async function fetchParts(run: Run): Promise<void> {
  const { file, part, options } = run;
  const { pieceBytes, connections, parallelFromBytes } = options.limits;
  if (file.bytes === 0) part.agree(0, part.validator);
  // The first answer tells which version of the file there is; the others have to agree.
  if (part.missing === null) await fetchPiece(run, [0, Math.min(pieceBytes, file.bytes ?? pieceBytes)]);
  const queue = splitRanges(part.missing ?? [], pieceBytes).values();
  const isParallel = (part.bytes ?? 0) >= parallelFromBytes && (part.validator !== null || file.proof.kind !== 'none');
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, options.signal]);
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const piece of queue) {
      try {
        // A short answer leaves a rest of the piece for the next round.
        await fetchPiece({ ...run, options: { ...options, signal } }, piece);
      } catch (error) {
        failures.push(error);
        // What passes on one connection leaves the others at work.
        if (error instanceof Passing) return;
        stop.abort();
      }
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: isParallel ? connections : 1 }, worker));
  await part.journal();
  if (failures.length > 0) throw worst(failures);
  if ((part.missing ?? []).length > 0) return fetchParts(run);
}

/** Of failures at once the one that decides: an error for the user, then a lie, then a new version. */
function worst(failures: readonly unknown[]): unknown {
  const isKind = (kind: typeof Passing | typeof NoRanges | typeof Changed) => (error: unknown) => error instanceof kind;
  const own = failures.find(
    (error) => ![isKind(Passing), isKind(NoRanges), isKind(Changed)].some((is) => is(error)) && !isAbort(error),
  );
  return own ?? failures.find(isKind(NoRanges)) ?? failures.find(isKind(Changed)) ?? failures[0];
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

async function fetchPiece(run: Run, [from, to]: ByteRange): Promise<void> {
  const { file, part, options } = run;
  const condition = part.bytes === null ? null : ifRange(part.validator);
  const range = { range: `bytes=${from}-${to - 1}`, ...(condition === null ? {} : { 'if-range': condition }) };
  const answer = await options.door.get(file.url, range, options.signal);
  try {
    refuseWebPage(file, answer);
    if (answer.status === 206) {
      const place = rangeOf(answer, from, to);
      if (file.bytes !== null && place.bytes !== file.bytes) throw wrongSize(file, place.bytes);
      part.agree(place.bytes, validatorOf(answer));
      await drain(run, answer, from, place.to, () => run.patience.progressed());
      return;
    }
    const isOther = part.bytes !== null && part.validator !== validatorOf(answer);
    if (isOther) throw new Changed('its version changed at the server');
    if (answer.status === 416) {
      if (part.bytes === null && /^bytes \*\/0$/i.test(oneHeader(answer.headers['content-range']) ?? ''))
        return part.agree(0, validatorOf(answer));
      throw new NoRanges(`bytes ${from}-${to - 1} were asked for, the server has none`);
    }
    // Nothing is here yet, so the whole file is as good as its beginning.
    if (part.bytes === null && part.doneBytes === 0) return await takeWhole(run, answer);
    throw new NoRanges('the server sends the whole file instead of the part that was asked for');
  } finally {
    giveUp(answer);
  }
}

async function fetchWhole(run: Run): Promise<void> {
  const { file, part, options } = run;
  await restart(run);
  if (file.bytes === 0) return part.agree(0, null);
  const answer = await options.door.get(file.url, {}, options.signal);
  try {
    refuseWebPage(file, answer);
    if (answer.status !== 200) throw new Passing(`the whole file was asked for, the answer is ${answer.status}`);
    await takeWhole(run, answer);
  } finally {
    giveUp(answer);
  }
}

async function takeWhole(run: Run, answer: Answer): Promise<void> {
  const { file, part } = run;
  const bytes = lengthOf(answer) ?? file.bytes;
  if (file.bytes !== null && bytes !== null && bytes !== file.bytes) throw wrongSize(file, bytes);
  if (bytes === null && !hasEnd(answer) && file.proof.kind === 'none')
    throw new NoRanges('the server tells neither its size nor its end');
  try {
    await drain(run, answer, 0, bytes ?? Number.MAX_SAFE_INTEGER, () => undefined);
  } catch (error) {
    // Without ranges, half of a file is nothing; it is no progress either, or this could go on for ever.
    if (error instanceof Passing) await restart(run);
    throw error;
  }
  part.agree(bytes ?? part.doneBytes, validatorOf(answer));
}

/** Writes a body to its place; more or fewer bytes than there must be are a failure, what came in order is kept. */
async function drain(
  { file, part, options }: Run,
  answer: Answer,
  from: number,
  to: number,
  onProgress: () => void,
): Promise<void> {
  let at = from;
  try {
    for await (const data of answer.body) {
      // Safe: a body without encoding gives buffers.
      const chunk = data as Buffer;
      if (at + chunk.length > to) throw new NoRanges(`more than ${to - from} bytes come for bytes ${from}-${to - 1}`);
      await part.write(at, chunk);
      at += chunk.length;
      options.onBytes(chunk.length);
      onProgress();
    }
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof TemperError || error instanceof NoRanges || error instanceof Passing) throw error;
    throw new Passing(`${showUrl(file.url)}: ${reasonOf(error)} after ${at - from} bytes`, null, { cause: error });
  }
  if (at < to && to !== Number.MAX_SAFE_INTEGER)
    throw new Passing(`${showUrl(file.url)}: the answer ends after ${at - from} of ${to - from} bytes`);
}

/** The page of a login or of a proxy instead of the file; where a hash is known, that tells it. */
function refuseWebPage({ url, proof }: RemoteFile, { headers, status }: Answer): void {
  const type = oneHeader(headers['content-type']) ?? '';
  if (
    proof.kind !== 'none' ||
    status === 416 ||
    !/^text\/html\b/i.test(type) ||
    /\.html?$/i.test(new URL(url).pathname)
  )
    return;
  throw new TemperError('DownloadRefused', {
    where: showUrl(url),
    what: 'the server answers with a web page instead of the file',
    why: 'a login, a proxy or a captive network stands in between',
    fix: 'open the address on the host, or name the sha256 in the spec',
  });
}

function wrongSize(file: RemoteFile, bytes: number): Lasting {
  return new Lasting(`${showUrl(file.url)}: it has ${bytes} bytes, ${String(file.bytes)} were announced`);
}

function failed(file: RemoteFile, what: string, cause: Error): TemperError {
  return new TemperError('DownloadFailed', { where: file.name, what, why: cause.message }, { cause });
}
