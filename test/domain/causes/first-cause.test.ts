import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENERIC_RULES } from '../../../src/domain/causes/cause-rules.js';
import { diagnose, firstFindings } from '../../../src/domain/causes/diagnose.js';
import { findingsOf, type HostSigns } from '../../../src/domain/causes/evidence.js';
import { lastWords } from '../../../src/domain/causes/last-words.js';
import { verdictRules } from '../../../src/recipes/mindspeed-mm/verdict-rules.js';
import type { Verdict } from '../../../src/schemas/incident.js';
import { at, evidence, launcher, rank, signs } from './failure-cases.js';

const ALL = [...verdictRules, ...GENERIC_RULES];
const HEAD = 'Traceback (most recent call last):';
const traceback = (...last: readonly string[]): string[] => [HEAD, '  File "train.py", line 3, in main', ...last];

function verdictOf(...hosts: readonly Partial<HostSigns>[]): Verdict {
  return diagnose(hosts.map((one, index) => evidence(`h${index}`, index, findingsOf(signs(`h${index}`, one), ALL))));
}

describe('a host of sixteen ranks', () => {
  const lost = traceback('RuntimeError: [pair.cc:534] Connection closed by peer [10.0.0.1]:123');
  const endOf = (number: number, seconds: number) => ({ rank: number, code: 1, signal: null, at: at(seconds) });
  const others = Array.from({ length: 16 }, (_, index) => index).filter((index) => index !== 9);

  it.each([
    [
      'ran out of memory',
      { ranks: [rank(9, traceback('torch.OutOfMemoryError: NPU out of memory. Tried to allocate 2 GiB'), 0)] },
      'out-of-memory',
    ],
    ['was killed', { ends: [{ rank: 9, code: null, signal: 'SIGKILL', at: at(0) }] }, 'killed'],
    ['lost its device', { ranks: [rank(9, traceback('RuntimeError: UCE ERROR happened'), 0)] }, 'memory-uncorrectable'],
  ])('tells of rank 9, which %s', (_, failed: Partial<HostSigns>, rule) => {
    const findings = findingsOf(
      signs('h0', {
        ranks: [...others.map((index) => rank(index, lost, 0.9)), ...(failed.ranks ?? [])],
        ends: [...others.map((index) => endOf(index, 1)), ...(failed.ends ?? [endOf(9, 0)])],
      }),
      ALL,
    );
    expect(findings).toHaveLength(16);
    const told = firstFindings(findings, 4);
    expect(told).toHaveLength(4);
    expect(diagnose([evidence('h0', 0, told)])).toMatchObject({ rule, rank: 9, confidence: 'high' });
  });

  it('tells what decides between any causes at any times (property)', () => {
    const finding = fc.record({
      rule: fc.constantFrom('a', 'b', 'c', 'd'),
      cause: fc.constantFrom('disk-full' as const, 'exception' as const),
      isCascade: fc.boolean(),
      reaction: fc.constant('stop' as const),
      weight: fc.constantFrom(1, 2, 3),
      rank: fc.nat(15),
      at: fc.option(
        fc.nat(8).map((half) => at(half / 2)),
        { nil: null },
      ),
      sentence: fc.constant('s'),
      lines: fc.constant<string[]>([]),
    });
    const host = fc.uniqueArray(finding, { selector: (one) => one.rank, maxLength: 16 });
    fc.assert(
      fc.property(host, host, (one, other) => {
        const told = [one, other].map((all, index) => evidence(`h${index}`, index, firstFindings(all, 4)));
        const whole = [one, other].map((all, index) => evidence(`h${index}`, index, all));
        const { confidence: _, ...first } = diagnose(whole);
        expect(diagnose(told)).toMatchObject(first);
      }),
    );
  });
});

const KILL = { rank: 1, code: null, signal: 'SIGKILL', at: at(7201) };
const TERM = { rank: 0, code: null, signal: 'SIGTERM', at: at(7202) };
const MISSING =
  "x.py:12: UserWarning: no transformer_engine: ModuleNotFoundError: No module named 'transformer_engine'";
const SKIPPED = ['could not load x.jpg, skipped', ...traceback("FileNotFoundError: [Errno 2] No such file: 'x.jpg'")];
const IGNORED = ['Exception ignored in: <function Foo.__del__ at 0x7f>', ...traceback("AttributeError: 'NoneType'")];

describe('what a rank said and went on from is no cause', () => {
  it.each([
    ['a warning at its start', [MISSING]],
    ['a traceback that was handled', SKIPPED],
    ['an exception that Python ignored', IGNORED],
  ])('%s', (_, said) => {
    const told = { ranks: [rank(0, said, 0)] };
    const killed = { rule: 'killed', cause: 'rank-killed', rank: 1, reaction: 'restart', at: KILL.at };
    expect(verdictOf({ ...told, ends: [KILL, TERM] })).toMatchObject(killed);
    expect(verdictOf({ ...told, stop: { reason: 'requested', at: at(7202) } }, { ends: [KILL] })).toMatchObject(killed);
    expect(verdictOf({ ...told, launcher: launcher(1, null, at(7203)) }, { ends: [KILL] })).toMatchObject(killed);
    expect(verdictOf({ ranks: [rank(1, said, 0)], ends: [KILL] })).toMatchObject(killed);
  });

  it.each([
    ['RuntimeError: UCE ERROR happened', 'memory-uncorrectable'],
    ['RuntimeError: boom', 'any-exception'],
    ["KeyError: 'image'", 'wrong-code'],
  ])('though it failed later: %s', (last, rule) => {
    const before = [
      MISSING,
      'ImportError: apex is not there, going on without',
      'OpenBLAS warning: Cannot allocate memory for huge pages, falling back',
      '[W1123 19:45:00.996 socket.cpp:752] The client socket has failed to connect: Connection refused, trying again',
      ...SKIPPED,
    ];
    const ends = [{ rank: 0, code: 1, signal: null, at: at(7200) }];
    for (const behind of [[], IGNORED]) {
      const log = rank(0, [...before, ...traceback(last), ...behind], 7200);
      expect(verdictOf({ ranks: [log], ends })).toMatchObject({ rule, rank: 0 });
    }
  });
});

describe('a launcher that was killed', () => {
  const lost = [rank(1, traceback('RuntimeError: Connection closed by peer [127.0.0.1:9]'), 7201)];

  it('is the cause, though its ranks lost each other before they ended', () => {
    const killed = { rule: 'killed', cause: 'rank-killed', reaction: 'restart', confidence: 'high' };
    expect(verdictOf({ ranks: lost, launcher: launcher(null, 'SIGKILL', at(7201)) })).toMatchObject(killed);
  });

  it.each([
    ['its exit status follows from theirs', { launcher: launcher(1, null, at(7201)) }],
    [
      'its host was stopped',
      { launcher: launcher(null, 'SIGKILL', at(7203)), stop: { reason: 'requested', at: at(7202) } },
    ],
  ])('is none where %s', (_, over) => {
    expect(verdictOf({ ranks: lost, ...over })).toMatchObject({ rule: 'peer-gone', cause: 'unknown' });
  });
});

describe('what a rank said last is the cause', () => {
  const full = traceback('OSError: [Errno 28] No space left on device');

  it.each([
    ['it failed by itself, and took long to end', 0, { ends: [{ rank: 0, code: 1, signal: null, at: at(1800) }] }],
    ['it was ended by its launcher a moment later', 7180, { ends: [{ ...TERM, rank: 0 }] }],
    ['its host was stopped before its launcher saw it', 7180, { stop: { reason: 'requested', at: at(7202) } }],
    ['nobody saw the end', 7180, {}],
  ])('when %s', (_, seconds, end) => {
    expect(verdictOf({ ranks: [rank(0, full, seconds)], ...end })).toMatchObject({ rule: 'disk-full' });
  });

  it.each([
    [
      'an exception follows from it',
      [
        ...full,
        '',
        'During handling of the above exception, another exception occurred:',
        '',
        ...traceback('RuntimeError: the save failed'),
      ],
    ],
    ['a thread ended of it', ['Exception in thread Thread-3 (write):', ...full, ...traceback('RuntimeError: boom')]],
  ])('when %s', (_, lines) => {
    const ends = [{ rank: 0, code: 1, signal: null, at: at(1) }];
    expect(verdictOf({ ranks: [rank(0, lines, 1)], ends })).toMatchObject({ rule: 'disk-full' });
  });

  it('and begins with the first of a chain, without what was ignored', () => {
    const marked = IGNORED.map((line) => `[rank3]: ${line}`);
    expect(lastWords([...SKIPPED, ...marked, 'x', ...full, ...IGNORED, 'y'])).toEqual({
      isUncaught: false,
      saidAt: SKIPPED.length + full.length,
      lines: [...SKIPPED, 'x', ...full, 'y'],
      from: SKIPPED.length + 1,
      exception: 'OSError: [Errno 28] No space left on device',
      own: [SKIPPED.length + 1, SKIPPED.length + 1 + full.length + 1],
    });
  });
});
