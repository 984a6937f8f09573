import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutToBytes, jsonBytes, utf8Bytes } from '../../src/domain/text/cut-text.js';
import { problem } from '../../src/domain/errors.js';
import { RunBook } from '../../src/domain/run-book.js';
import type { StageName, StagePlan } from '../../src/schemas/plan.js';
import { RunMemoSchema } from '../../src/schemas/run.js';
import type { StageDone } from '../../src/schemas/stage-calls.js';

const NAMES: readonly StageName[] = ['environment', 'weights', 'data', 'convert', 'train', 'export', 'verify'];
const AT = '2026-01-01T00:00:00.000Z';

function stages(names: readonly StageName[]): StagePlan[] {
  const rest = { title: '', needs: [], placement: 'anyHost' as const, fingerprint: '', programs: [], sources: [] };
  return names.map((name) => ({ name, ...rest, resources: { diskBytes: 0, ramBytes: 0 }, timeoutMs: 1 }));
}

function done(stage: StageName, over: Partial<StageDone> = {}): StageDone {
  return { v: 1, ref: { stage, key: 'k', digest: 'd' }, reused: false, host: 'h1', durationMs: 5, facts: {}, ...over };
}

function bookOf(names: readonly StageName[]): RunBook {
  const book = new RunBook();
  book.plan(stages(names), []);
  return book;
}

describe('the book of a run', () => {
  it('follows stages from pending to their end', () => {
    const book = bookOf(['weights', 'data', 'convert']);
    book.begin('weights', 'running', AT, { host: 'h1' });
    book.begin('data', 'waiting', AT);
    expect(book.memo()).toMatchObject({ state: 'running', stage: 'weights' });
    book.finish('weights', done('weights'));
    book.finish('convert', done('convert', { reused: true }));
    expect(book.stages).toEqual([
      { name: 'weights', state: 'done', host: 'h1', durationMs: 5, startedAt: AT },
      { name: 'data', state: 'waiting', startedAt: AT },
      { name: 'convert', state: 'reused', host: 'h1', durationMs: 5 },
    ]);
    expect(book.outcome('weights')?.ref.key).toBe('k');
    expect(book.outcome('data')).toBeUndefined();
  });

  it('remembers how many hosts a stage had', () => {
    const book = bookOf(['train']);
    book.begin('train', 'running', AT, { hosts: 2 });
    book.finish('train', done('train'));
    expect(book.stages).toMatchObject([{ name: 'train', state: 'done', host: 'h1', hosts: 2 }]);
  });

  it('keeps what is done over a new plan, less what it changes', () => {
    const book = bookOf(['weights', 'data', 'convert']);
    book.finish('weights', done('weights'));
    book.finish('data', done('data'));
    book.fail('convert');
    book.plan(stages(['weights', 'data', 'convert']), ['data']);
    expect(book.stages.map(({ state }) => state)).toEqual(['done', 'pending', 'pending']);
    expect(book.doneStages).toEqual(['weights']);
    book.skip(['convert']);
    expect(book.stages.at(-1)).toEqual({ name: 'convert', state: 'skipped' });
  });

  it('keeps a paused stage waiting, and not failed', () => {
    const book = bookOf(['weights', 'data', 'train']);
    book.finish('weights', done('weights'));
    book.begin('data', 'running', AT, { host: 'h1' });
    book.fail('data');
    book.block(problem('Paused', { what: 'stopped on request' }));
    expect(book.stages.map(({ state }) => state)).toEqual(['done', 'waiting', 'pending']);
    expect(book.memo()).toMatchObject({ state: 'blocked', stage: 'data' });
    book.run();
    expect(book.stages.map(({ state }) => state)).toEqual(['done', 'pending', 'pending']);
  });

  it('does not call a cancelled stage failed', () => {
    const book = bookOf(['weights', 'data', 'train']);
    book.finish('weights', done('weights'));
    book.begin('data', 'running', AT, { host: 'h1' });
    book.fail('data', 'cancelled');
    book.end('cancelled');
    expect(book.stages.map(({ state }) => state)).toEqual(['done', 'cancelled', 'pending']);
    expect(RunMemoSchema.parse(book.memo())).toMatchObject({ state: 'cancelled', stage: 'data' });
    book.run();
    expect(book.stages.map(({ state }) => state)).toEqual(['done', 'pending', 'pending']);
  });

  it('tells the cause before the place', () => {
    const book = bookOf(['data']);
    const where = `/${'folder/'.repeat(400)}log`;
    book.block(
      problem('CommandFailed', { where, what: 'check-shapes ended with exit status 1', why: 'image missing' }),
    );
    expect(book.memo().reason).toMatch(/^check-shapes ended with exit status 1 \(image missing\), at \/folder/);
  });

  it('is blocked until it runs again', () => {
    const book = bookOf(['weights']);
    book.fail('weights');
    book.block(problem('CommandFailed', { where: 'h1', what: 'it ended', why: 'a reason' }));
    expect(book.isBlocked).toBe(true);
    expect(book.memo()).toMatchObject({
      state: 'blocked',
      stage: 'weights',
      reason: 'it ended (a reason), at h1',
      code: 'CommandFailed',
    });
    book.run();
    expect(book.isBlocked).toBe(false);
    expect(book.memo()).toMatchObject({ state: 'running', stage: null, reason: null, fix: null, code: null });
    expect(book.stages).toEqual([{ name: 'weights', state: 'pending' }]);
    book.end('failed', problem('Internal', { what: 'over' }));
    expect(book.memo()).toMatchObject({ state: 'failed', reason: 'over' });
  });

  it('shows the newest checkpoint, unless its path is too long for a memo', () => {
    const book = bookOf(['train']);
    book.finish('train', done('train', { facts: { checkpoint: 'runs/r/ckpt' } }));
    expect(book.memo().checkpoint).toBe('runs/r/ckpt');
    book.finish('train', done('train', { facts: { checkpoint: `/${'x'.repeat(1_000)}` } }));
    expect(book.memo().checkpoint).toBeNull();
  });

  it('has a memo of at most 1900 bytes and some of each text, however bad they are (property)', () => {
    const anything = fc.string({
      unit: fc.constantFrom('a', '"', '\n', '\u0001', '\ud800', 'é', '中', '😀'),
      minLength: 800,
      maxLength: 3_000,
    });
    fc.assert(
      fc.property(anything, anything, anything, (what, why, fix) => {
        const book = bookOf(NAMES);
        const host = 'h'.repeat(63);
        for (const name of NAMES) {
          book.begin(name, 'running', AT, { host });
          book.finish(name, done(name, { host, durationMs: 8_640_000_000, facts: { checkpoint: 'c'.repeat(200) } }));
        }
        const resume = {
          attempt: 9,
          from: 1e9,
          fidelity: 'full' as const,
          components: {},
          broken: [],
          warning: 'w'.repeat(160),
        };
        book.gang({ v: 1, attempt: 9, incidents: 0, incident: null, ettr: 1, checkpoint: 1, resume });
        book.block(problem('EnvironmentsDiffer', { where: why, what, why, fix }));
        const memo = book.memo();
        expect(Buffer.byteLength(JSON.stringify(memo))).toBeLessThanOrEqual(1_900);
        expect(RunMemoSchema.parse(memo)).toEqual(memo);
        expect(memo.reason?.length).toBeGreaterThan(10);
        expect(memo.fix?.length).toBeGreaterThan(5);
      }),
    );
  });
});

describe('a text that is cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\t', '\u0007', '\ud83d', 'é', '中', '😀') });

  it('is measured as JSON and UTF-8 measure it (property)', () => {
    fc.assert(
      fc.property(text, (one) => {
        expect(jsonBytes(one)).toBe(Buffer.byteLength(JSON.stringify(one)) - 2);
        expect(utf8Bytes(one)).toBe(Buffer.byteLength(one));
      }),
    );
  });

  it('is as long as the limit allows, and whole when it fits (property)', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 60 }), (one, limit) => {
        const cut = cutToBytes(one, limit);
        expect(jsonBytes(cut)).toBeLessThanOrEqual(limit);
        if (jsonBytes(one) <= limit) expect(cut).toBe(one);
        else expect(one.startsWith(cut.slice(0, -1)) && cut.endsWith('…')).toBe(true);
      }),
    );
  });

  it('tells what the gang told last', () => {
    const book = bookOf(['train']);
    expect(book.memo()).toMatchObject({ ettr: null });
    expect(book.memo().incidents).toBeUndefined();
    const incident = {
      attempt: 1,
      cause: 'rank-killed' as const,
      reaction: 'restart' as const,
      host: 'h2',
      sentence: 's',
      at: AT,
    };
    book.gang({ v: 1, attempt: 1, incidents: 0, incident: null, ettr: 1, checkpoint: null });
    book.gang({ v: 1, attempt: 2, incidents: 3, incident, ettr: 0.75, checkpoint: 40 });
    expect(RunMemoSchema.parse(book.memo())).toMatchObject({ ettr: 0.75, incidents: 3, incident });
  });
});
