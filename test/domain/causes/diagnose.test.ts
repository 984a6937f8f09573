import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENERIC_RULES } from '../../../src/domain/causes/cause-rules.js';
import { diagnose, firstFindings } from '../../../src/domain/causes/diagnose.js';
import { findingsOf, problemFinding, silenceFinding, type HostSigns } from '../../../src/domain/causes/evidence.js';
import { CATALOGUE, problem } from '../../../src/domain/errors.js';
import { CauseSchema } from '../../../src/schemas/incident.js';
import { LOADER_CASES } from './loader-cases.js';
import { at, CASCADES, CASES, evidence, KILLED, PEER, rank, RULES, signs } from './failure-cases.js';

describe('the logs of a killed rank and its peer', () => {
  it('give one finding each: a cause and a cascade', () => {
    expect(KILLED).toMatchObject([{ rule: 'killed', cause: 'rank-killed', isCascade: false, rank: 1, at: at(0) }]);
    expect(PEER).toMatchObject([{ rule: 'gloo-peer-gone', cause: 'peer-lost', isCascade: true, rank: 0 }]);
  });

  it.each([
    ['in order', [evidence('h1', 0, PEER), evidence('h2', 1, KILLED)]],
    ['in the other order', [evidence('h2', 1, KILLED), evidence('h1', 0, PEER)]],
    [
      'with a peer that seems earlier',
      [
        evidence(
          'h1',
          0,
          PEER.map((one) => ({ ...one, at: at(-30) })),
        ),
        evidence('h2', 1, KILLED),
      ],
    ],
  ])('name the killed one, %s', (_name, all) => {
    expect(diagnose(all)).toMatchObject({
      cause: 'rank-killed',
      host: 'h2',
      rank: 1,
      reaction: 'restart',
      sentence: 'rank 1 on h2 was killed (SIGKILL)',
      confidence: 'high',
    });
  });

  it('leave an unknown cause when only the peer answers', () => {
    const lost = evidence('h2', 1, [], { isReached: false });
    expect(diagnose([evidence('h1', 0, PEER), lost])).toMatchObject({
      cause: 'unknown',
      confidence: 'low',
      host: 'h1',
      sentence: expect.stringContaining('only consequences'),
    });
  });
});

const ALL_CASES = [...CASES, ...LOADER_CASES];

describe('each cause', () => {
  it.each(ALL_CASES)('$name is $cause: $reaction', ({ signs: host, cause, reaction }) => {
    expect(diagnose([evidence('h1', 0, findingsOf(host, RULES))])).toMatchObject({ cause, reaction, host: 'h1' });
  });

  it('is found among cascades in every order of the hosts (property)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL_CASES),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
        ({ signs: host, cause }, order) => {
          const hosts = [
            evidence('h1', 0, findingsOf(host, RULES)),
            ...CASCADES.map((findings, index) => evidence(`h${index + 2}`, index + 1, findings)),
          ];
          const shuffled = order.flatMap((index) => hosts[index] ?? []);
          expect(diagnose(shuffled)).toEqual(diagnose(hosts));
          expect(diagnose(shuffled)).toMatchObject({ cause, host: 'h1' });
        },
      ),
    );
  });

  it('is answered the same whatever the order of any evidence (property)', () => {
    const finding = fc.record({
      rule: fc.constantFrom('a', 'b'),
      cause: fc.constantFrom(...CauseSchema.options),
      isCascade: fc.boolean(),
      reaction: fc.constantFrom('stop' as const, 'restart' as const),
      weight: fc.constantFrom(1, 2, 3),
      rank: fc.option(fc.nat(3), { nil: null }),
      at: fc.option(fc.nat(4).map(at), { nil: null }),
      sentence: fc.constantFrom('s', 't'),
      lines: fc.constant<string[]>([]),
    });
    const hosts = fc
      .array(fc.array(finding, { maxLength: 3 }), { minLength: 1, maxLength: 5 })
      .map((all) => all.map((findings, index) => evidence(`h${index}`, index, findings)));
    const both = hosts.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(both, ([all, shuffled]) => {
        expect(diagnose(shuffled)).toEqual(diagnose(all));
      }),
    );
  });
});

describe('a rank that was killed from outside', () => {
  const caught = ['Traceback (most recent call last):', "ModuleNotFoundError: No module named 'apex'"];
  const chat = Array.from({ length: 7 }, () => 'loader refilled');
  const killed = (number: number): HostSigns['ends'][number] => ({
    rank: number,
    code: null,
    signal: 'SIGKILL',
    at: at(9),
  });
  const verdict = (...all: readonly HostSigns[]) =>
    diagnose(all.map((one, index) => evidence(one.host, index, findingsOf(one, RULES))));

  it.each([
    ['said a moment before', caught, 8],
    ['said long before', [...caught, ...chat], 9],
    ['told in one line', ["flash_attn unavailable: ImportError: No module named 'flash_attn'", ...chat], 9],
  ])('is not blamed for what it caught, %s', (_, lines, second) => {
    const one = signs('h1', { ranks: [rank(0, lines, second)], ends: [killed(0)] });
    expect(verdict(one)).toMatchObject({ cause: 'rank-killed', rank: 0, reaction: 'restart' });
  });

  it('is blamed, and not its neighbours that were ended for it', () => {
    const others = Array.from({ length: 15 }, (_, index) => index + 1);
    const ends = others.map((number) => ({ rank: number, code: null, signal: 'SIGTERM', at: at(9) }));
    const ranks = others.map((number) => rank(number, caught, 6));
    const one = signs('h1', { ranks, ends: [killed(0), ...ends] });
    const told = firstFindings(findingsOf(one, RULES), 4);
    expect(diagnose([evidence('h1', 0, told)])).toMatchObject({ cause: 'rank-killed', rank: 0 });
  });

  it.each([1, 7, 9])(
    'is blamed, and not another host that was stopped for it and last spoke at second %s',
    (second) => {
      const stopped = { stop: { reason: 'a node of the gang failed', at: at(11) } };
      const other = signs('h2', { ranks: [rank(1, caught, second)], ...stopped });
      expect(verdict(signs('h1', { ends: [killed(0)] }), other)).toMatchObject({ cause: 'rank-killed', rank: 0 });
    },
  );

  it('is not blamed where an exception ended it', () => {
    const marked = caught.map((line) => `[rank0]: ${line}`);
    const one = signs('h1', { ranks: [rank(0, marked, 9)], ends: [killed(0)] });
    expect(verdict(one)).toMatchObject({ rule: 'module-missing' });
  });
});

it.each([
  ['after many lines more', ["KeyError: 'x'", ...Array.from({ length: 25 }, () => 'going on')], 'rank-crashed'],
  [
    'at once',
    ["KeyError: 'x'", '', 'Fatal Python error: Segmentation fault', '', 'Thread 0x7f (most recent call first):'],
    'code-error',
  ],
])('a crash that came %s is told by the exception before it or not', (_, lines, cause) => {
  const log = rank(0, ['Traceback (most recent call last):', '  File "x.py", line 1, in <module>', ...lines], 9);
  const one = signs('h1', { ranks: [log], ends: [{ rank: 0, code: null, signal: 'SIGSEGV', at: at(9) }] });
  expect(diagnose([evidence('h1', 0, findingsOf(one, RULES))])).toMatchObject({ cause });
});

describe('the time of a cause', () => {
  const early = KILLED;
  const late = findingsOf(signs('h1', { ends: [{ rank: 0, code: null, signal: 'SIGSEGV', at: at(5) }] }), RULES);

  it('decides between two', () => {
    expect(diagnose([evidence('h1', 0, late), evidence('h2', 1, early)])).toMatchObject({ host: 'h2' });
  });

  it('is told by the clock of the server', () => {
    expect(diagnose([evidence('h1', 0, late, { clockOffsetMs: 60_000 }), evidence('h2', 1, early)])).toMatchObject({
      host: 'h1',
      at: at(-55),
    });
  });

  it('does not decide within the precision of the launcher: then the more telling one counts', () => {
    const told = findingsOf(
      signs('h1', {
        ranks: [
          rank(0, ['[rank0]: Traceback (most recent call last):', '[rank0]: OSError: No space left on device'], 1),
        ],
      }),
      RULES,
    );
    expect(diagnose([evidence('h1', 0, told), evidence('h2', 1, early)])).toMatchObject({
      cause: 'disk-full',
      host: 'h1',
      confidence: 'medium',
    });
  });
});

describe('problems and silence', () => {
  it('of every code of the catalogue mean something', () => {
    for (const code of Object.keys(CATALOGUE) as (keyof typeof CATALOGUE)[]) {
      expect(problemFinding(problem(code, { what: 'x' }), 'h1', at(0), GENERIC_RULES)).toMatchObject({
        isCascade: false,
      });
    }
  });

  it('of a host that vanished is a lost host', () => {
    const lost = evidence('h2', 1, silenceFinding('h2', 'it answers no probe', at(4), GENERIC_RULES), {
      isReached: false,
    });
    expect(diagnose([evidence('h1', 0, PEER), lost])).toMatchObject({
      cause: 'host-lost',
      host: 'h2',
      reaction: 'replace-host',
    });
  });

  it('without any sign is unknown, with what was said last', () => {
    expect(diagnose([evidence('h2', 1, [], { tail: ['b'] }), evidence('h1', 0, [], { tail: ['a'] })])).toMatchObject({
      cause: 'unknown',
      host: null,
      evidenceLines: ['h1: a', 'h2: b'],
    });
  });
});

describe('the rules', () => {
  it('have ids of their own and patterns without state', () => {
    const ids = RULES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { match } of RULES) {
      const pattern = 'pattern' in match ? match.pattern : 'reason' in match ? match.reason : null;
      expect(pattern?.global ?? false).toBe(false);
    }
  });
});
