import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TemperError } from '../../../src/domain/errors.js';
import { bringToCache, cacheKey } from '../../../src/host/download/cache.js';
import { chooseSeed, Random } from '../../faults/support/random.js';
import type { Fault } from './hostile-server.js';
import {
  gitBlob,
  namesIn,
  randomBytes,
  remoteFile,
  scratchFolder,
  sha256,
  startServer,
  transferOptions,
} from './support.js';

/** Another one each time; TEMPER_DOWNLOAD_SEED repeats one that failed. */
const SEED = chooseSeed(process.env['TEMPER_DOWNLOAD_SEED']);
const ROUNDS = 24;
/** Codes that say that a file did not come; none of them is a defect. */
const REFUSALS = ['DownloadFailed', 'DownloadRefused', 'DownloadUnproven'];

/** Every fault that the server knows, with numbers of the file's size. */
function anyFault(random: Random, size: number): Fault {
  const place = (): number => random.between(0, size);
  const faults: readonly (() => Fault)[] = [
    () => ({ kind: 'drop', after: place() }),
    () => ({ kind: 'truncate', after: place() }),
    () => ({ kind: 'stall', after: place() }),
    () => ({ kind: 'whole' }),
    () => ({ kind: 'shifted' }),
    () => ({ kind: 'longer' }),
    () => ({ kind: 'bytes' }),
    () => ({ kind: 'encoded' }),
    () => ({ kind: 'etag', etag: random.pick([null, '"other"', 'W/"weak"', `"${place()}"`]) }),
    () => ({
      kind: 'content-range',
      value: random.pick([null, 'bytes */*', `bytes ${place()}-${place()}/${place()}`]),
    }),
    () => ({ kind: 'throttle', chunk: random.between(1, 20_000), delayMs: 1 }),
    () => ({ kind: 'redirect', to: random.pick(['/f', '/gone', 'ftp://elsewhere/f', '/loop']) }),
    () => {
      const headers = { 'retry-after': random.pick(['0', '1', 'soon', '99999999']) };
      return { kind: 'status', status: random.pick([400, 404, 408, 416, 425, 429, 500, 502, 503]), headers };
    },
  ];
  return random.pick(faults)();
}

describe(`a server with faults by chance (TEMPER_DOWNLOAD_SEED=${SEED})`, () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    'round %i: only what hashes is accepted',
    async (round) => {
      const random = Random.of(SEED, `round ${round}`);
      const size = random.pick([0, 1, 49_999, 50_000, random.between(120_000, 220_000)]);
      const content = randomBytes(size, round);
      const server = await startServer();
      const rate = random.pick([0.2, 0.5, 0.8, 1]);
      const told: string[] = [];
      server.fault = (_request, index) => {
        if (random.fraction() >= rate) return null;
        const fault = anyFault(random, size);
        told.push(`request ${index}: ${JSON.stringify(fault)}`);
        return fault;
      };
      const proof = random.pick([
        { kind: 'sha256', hex: sha256(content) } as const,
        { kind: 'git-blob', hex: gitBlob(content) } as const,
      ]);
      const file = remoteFile(server.serve('/f', content), content, proof, random.pick([size, size, null]));
      const cache = scratchFolder();
      const name = join(cache, cacheKey(file));
      const options = transferOptions({ stallTimeoutMs: 60, answerTimeoutMs: 300, maxAskedWaitMs: 5 });
      // Each try goes on where the one before was stopped, by a fault or from outside.
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const stop = new AbortController();
        const stopAt = random.pick([Number.POSITIVE_INFINITY, random.between(1, size + 1)]);
        server.onSent = (bytes) => bytes >= stopAt && stop.abort();
        const ended = await bringToCache(cache, file, { ...options, signal: stop.signal }).then(
          () => 'whole',
          (error: unknown) =>
            error instanceof TemperError ? error.problem.code : stop.signal.aborted ? 'stopped' : error,
        );
        expect(['whole', 'stopped', ...REFUSALS], told.join('\n')).toContain(ended);
        if (ended === 'whole' || existsSync(name))
          expect(readFileSync(name).equals(content), told.join('\n')).toBe(true);
        expect(namesIn(cache).filter((one) => one.endsWith('.claim'))).toEqual([]);
      }
      server.fault = () => null;
      server.onSent = () => undefined;
      const { cached } = await bringToCache(cache, file, options);
      expect(readFileSync(cached).equals(content), told.join('\n')).toBe(true);
      expect(namesIn(cache)).toEqual([cacheKey(file)]);
    },
  );
});
