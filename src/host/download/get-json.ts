import { TemperError } from '../../domain/errors.js';
import { NoRanges, Passing } from './failures.js';
import { giveUp, reasonOf, showUrl } from './http-door.js';
import type { Answer } from './http-door.js';
import { Patience } from './patience.js';
import type { TransferOptions } from './transfer.js';

/** A listing of 100,000 files has about 30 MB. */
const MAX_BYTES = 128 * 1024 * 1024;

/** Asks an API of a hub; network failures are tried again. */
export async function getJson(
  url: string,
  { door, limits, signal, note }: Omit<TransferOptions, 'onBytes'>,
): Promise<{ readonly value: unknown; readonly headers: Answer['headers'] }> {
  const patience = new Patience(showUrl(url), limits);
  for (;;) {
    try {
      const answer = await door.get(url, { accept: 'application/json' }, signal);
      if (answer.status !== 200) {
        giveUp(answer);
        throw new Passing(`the answer is ${answer.status}`);
      }
      const text = await readText(answer, signal);
      return { value: parse(url, text), headers: answer.headers };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoRanges) await patience.wait(new Passing(error.message), signal, note);
      else if (error instanceof Passing) await patience.wait(error, signal, note);
      else throw error;
    }
  }
}

async function readText({ body }: Answer, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const data of body) {
      // Safe: a body without encoding gives buffers.
      const chunk = data as Buffer;
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new Passing(`the answer has more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Passing ? error : new Passing(reasonOf(error), null, { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemperError('DownloadRefused', {
      where: showUrl(url),
      what: 'the answer is not JSON',
      why: `it begins ${JSON.stringify(text.slice(0, 60))} (${reasonOf(error)})`,
      fix: 'check the mirror that is set for the hub: it must serve its API, too',
    });
  }
}
