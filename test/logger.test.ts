import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeLogger, temporalLogger } from '../src/logger.js';

/** A logger whose lines the test reads. */
function listening(bindings: Readonly<Record<string, unknown>> = {}): {
  logger: ReturnType<typeof makeLogger>;
  lines: string[];
} {
  const lines: string[] = [];
  return { logger: makeLogger('trace', bindings, { write: (line) => lines.push(line) }), lines };
}

const SECRET = 'S3CR3T';
const KEYS = [
  'taskToken',
  'base64TaskToken',
  'apiKey',
  'api_key',
  'token',
  'authorization',
  'Authorization',
  'accessToken',
  'password',
  'clientSecret',
  'secretAccessKey',
  'private_key',
  'passphrase',
];

/** Something with the secret under a secret's name, at any depth of objects, lists, maps and errors. */
const withSecret = fc.letrec((tie) => ({
  leaf: fc.constantFrom(...KEYS).map((key): unknown => ({ [key]: SECRET, shown: 1 })),
  node: fc.oneof(
    { maxDepth: 6 },
    tie('leaf'),
    tie('node').map((inner) => ({ inner, count: 2 })),
    tie('node').map((inner) => [0, inner]),
    tie('node').map((inner) => new Map([['inner', inner]])),
    tie('node').map((inner) => Object.assign(new Error('failed'), { metadata: inner })),
    tie('node').map((inner) => new Error('outer', { cause: inner })),
  ),
})).node;

describe('the log', () => {
  it('never holds a secret, however deep and by whichever door (property)', () => {
    fc.assert(
      fc.property(withSecret, fc.constantFrom(...KEYS), (meta, key) => {
        const { logger, lines } = listening({ [key]: SECRET, role: 'host' });
        logger.info({ meta, [key]: SECRET }, 'said');
        logger.warn({ err: meta });
        temporalLogger(logger).info('said', { meta, [key]: SECRET });
        temporalLogger(logger).error('said', {
          error: Object.assign(new Error('failed'), { meta }),
          taskToken: SECRET,
        });
        expect(lines).toHaveLength(4);
        expect(lines.join('')).not.toContain(SECRET);
        expect(lines.every((line) => JSON.parse(line).role === 'host')).toBe(true);
      }),
    );
  });

  it('tells an error with its type, cause, stack and facts', () => {
    const { logger, lines } = listening();
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'E1' });
    temporalLogger(logger).error('failed', { error });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      msg: 'failed',
      err: {
        type: 'TypeError',
        message: 'outer',
        code: 'E1',
        stack: expect.stringContaining('logger.test'),
        cause: { message: 'inner' },
      },
    });
  });

  it('says what happened before its facts, however long those are, and keeps stacks short', () => {
    const { logger, lines } = listening({ role: 'host' });
    const deep = (levels: number): Error =>
      levels === 0 ? new Error('not there') : new Error(`level ${levels}`, { cause: deep(levels - 1) });
    logger.warn({ err: deep(3), msg: 'not this' }, 'the fleet does not answer yet');
    const [line = ''] = lines;
    expect(Object.keys(JSON.parse(line)).indexOf('msg')).toBeLessThan(Object.keys(JSON.parse(line)).indexOf('err'));
    expect(JSON.parse(line)).toMatchObject({ role: 'host', msg: 'the fleet does not answer yet' });
    let error = JSON.parse(line).err;
    for (const message of ['level 3', 'level 2', 'level 1', 'not there']) {
      expect(error.message).toBe(message);
      expect(error.stack.split('\n').length).toBeLessThanOrEqual(5);
      expect(error.stack).not.toContain(message);
      error = error.cause;
    }
  });

  it.each([
    [9_007_199_254_740_993n, '9007199254740993'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Uint8Array(3), '3 bytes'],
    [new Set([1, 2]), [1, 2]],
    [
      { tokens: 5, estimatedTokens: 6 },
      { tokens: 5, estimatedTokens: 6 },
    ],
    [null, null],
    ['text', 'text'],
  ])('writes %s as %j', (value, expected) => {
    const { logger, lines } = listening();
    temporalLogger(logger).info('said', { value: { deep: value } });
    expect(JSON.parse(lines[0] ?? '').value.deep).toEqual(expected);
  });

  it('survives a cycle', () => {
    const { logger, lines } = listening();
    const cycle: Record<string, unknown> = { name: 'x' };
    cycle['self'] = cycle;
    logger.info({ cycle });
    expect(JSON.parse(lines[0] ?? '').cycle.self.self.name).toBe('x');
  });

  it('names run and stage of what the SDK says about a workflow', () => {
    const { logger, lines } = listening();
    const sdk = temporalLogger(logger);
    for (const workflowId of ['temper/run/tiny', 'temper/run/tiny/train', 'temper/default/fleet'])
      sdk.warn('said', { workflowId });
    const told = lines.map((line) => JSON.parse(line)).map(({ run, stage }) => [run, stage]);
    expect(told).toEqual([
      ['tiny', undefined],
      ['tiny', 'train'],
      [undefined, undefined],
    ]);
  });

  it('keeps the levels of the SDK', () => {
    const { logger, lines } = listening();
    const sdk = temporalLogger(logger);
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) sdk[level](level);
    sdk.log('WARN', 'direct');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['trace', 'debug', 'info', 'warn', 'error', 'warn']);
  });
});
