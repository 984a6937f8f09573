import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GangBook } from '../../../src/domain/gang/gang-book.js';
import { decide, type Spent } from '../../../src/domain/gang/policy.js';
import { CauseSchema, type Verdict } from '../../../src/schemas/incident.js';
import { GangBookStateSchema } from '../../../src/schemas/gang.js';

const NOW = Date.parse('2026-01-05T12:00:00.000Z');
const RECOVERY = { maxRestartsWithoutProgress: 3, spareWaitMs: 1_000, onUnknown: 'restart' as const };
const NOTHING: Spent = { restarts: 0, byCause: {}, blames: [] };

function verdict(over: Partial<Verdict>): Verdict {
  return {
    rule: 'r',
    cause: 'rank-killed',
    reaction: 'restart',
    host: 'h1',
    rank: 0,
    at: null,
    sentence: 's',
    evidenceLines: [],
    confidence: 'high',
    ...over,
  };
}

describe('the policy', () => {
  it.each([
    ['restarts a killed rank', verdict({}), NOTHING, true, 'restart'],
    [
      'sweeps first where the rule says so',
      verdict({ cause: 'port-taken', reaction: 'clean-restart' }),
      NOTHING,
      true,
      'clean-restart',
    ],
    ['never retries wrong input', verdict({ cause: 'bad-input', reaction: 'stop' }), NOTHING, true, 'stop'],
    ['gives memory one chance in the middle', verdict({ cause: 'out-of-memory' }), NOTHING, true, 'restart'],
    ['gives memory none at the first iteration', verdict({ cause: 'out-of-memory' }), NOTHING, false, 'stop'],
    [
      'gives memory no second chance',
      verdict({ cause: 'out-of-memory' }),
      { ...NOTHING, byCause: { 'out-of-memory': 1 } },
      true,
      'stop',
    ],
    ['gives NaN one chance', verdict({ cause: 'nan-loss' }), { ...NOTHING, byCause: { 'nan-loss': 1 } }, true, 'stop'],
    ['stops when the restarts are spent', verdict({}), { ...NOTHING, restarts: 3 }, true, 'stop'],
    [
      'stops also for lost hosts then',
      verdict({ cause: 'host-lost', reaction: 'replace-host' }),
      { ...NOTHING, restarts: 3 },
      true,
      'stop',
    ],
    ['replaces a lost host', verdict({ cause: 'host-lost', reaction: 'replace-host' }), NOTHING, true, 'replace-host'],
    ['replaces a host at its third failure of a day', verdict({}), blamed('h1', 2, 1), true, 'replace-host'],
    ['forgets failures of yesterday', verdict({}), blamed('h1', 2, 25), true, 'restart'],
    ['does not blame other hosts', verdict({}), blamed('h2', 5, 1), true, 'restart'],
    [
      'does not blame a host for what no other can cure',
      verdict({ cause: 'port-taken', reaction: 'clean-restart' }),
      blamed('h1', 2, 1),
      true,
      'clean-restart',
    ],
  ] as const)('%s', (_name, one, spent, hasStepped, reaction) => {
    expect(decide(one, spent, RECOVERY, NOW, hasStepped).reaction).toBe(reaction);
  });

  it.each(['unknown', 'rank-exit'] as const)('asks the spec about %s', (cause) => {
    expect(decide(verdict({ cause }), NOTHING, RECOVERY, NOW, true).reaction).toBe('restart');
    expect(decide(verdict({ cause }), NOTHING, { ...RECOVERY, onUnknown: 'stop' }, NOW, true).reaction).toBe('stop');
  });
});

function blamed(host: string, times: number, hoursAgo: number): Spent {
  return {
    ...NOTHING,
    blames: Array.from({ length: times }, () => ({ host, at: new Date(NOW - hoursAgo * 3_600_000).toISOString() })),
  };
}

describe('the book of a gang', () => {
  const failure = fc.record({
    verdict: fc.record({
      cause: fc.constantFrom(...CauseSchema.options),
      reaction: fc.constantFrom('restart' as const, 'clean-restart' as const, 'replace-host' as const),
      host: fc.constantFrom('h1', 'h2', null),
    }),
    progress: fc.boolean(),
    hasStepped: fc.boolean(),
  });

  it('never goes on more often without progress than it may, and is whole after every continue-as-new (property)', () => {
    fc.assert(
      fc.property(fc.array(failure, { maxLength: 40 }), fc.nat(5), (failures, max) => {
        let book = GangBook.begin(NOW);
        let best = 0;
        let without = 0;
        for (const { verdict: over, progress, hasStepped } of failures) {
          if (progress) {
            best += 10;
            without = 0;
            book.sawCheckpoint(best);
          }
          const { reaction } = book.decide(
            verdict(over),
            { ...RECOVERY, maxRestartsWithoutProgress: max },
            NOW,
            hasStepped,
          );
          if (reaction !== 'stop') without += 1;
          expect(without).toBeLessThanOrEqual(max);
          const state = GangBookStateSchema.parse(JSON.parse(JSON.stringify(book.state)));
          expect(state).toEqual(book.state);
          book = new GangBook(state);
        }
      }),
    );
  });

  it('is refilled by a newer checkpoint only', () => {
    const book = GangBook.begin(NOW);
    const once = () => book.decide(verdict({}), { ...RECOVERY, maxRestartsWithoutProgress: 1 }, NOW, true).reaction;
    expect([once(), once()]).toEqual(['restart', 'stop']);
    book.sawCheckpoint(20);
    expect([once(), once()]).toEqual(['restart', 'stop']);
    for (const old of [20, 10, null]) book.sawCheckpoint(old);
    expect(once()).toBe('stop');
  });

  it('tells the goodput of what was kept, and the times of the last incident', () => {
    const book = GangBook.begin(NOW);
    book.worked({ from: null, kept: 40, stepMs: 1_000 });
    book.worked({ from: 40, kept: 40, stepMs: 1_000 });
    book.worked({ from: 40, kept: 30, stepMs: 1_000 });
    book.worked({ from: 40, kept: null, stepMs: null });
    expect(book.report(1, NOW + 80_000)).toMatchObject({ ettr: 0.5, incidents: 0, incident: null });
    expect(book.report(1, NOW).ettr).toBeNull();
    const at = (ms: number) => new Date(NOW + ms).toISOString();
    const incident = {
      ...{
        v: 1 as const,
        id: 'i-1',
        run: 'r',
        attempt: 1,
        at: at(1_000),
        verdict: verdict({ sentence: 'x'.repeat(400) }),
        reaction: 'restart' as const,
        why: '',
      },
      ...{
        hosts: [],
        lastIteration: 57,
        resumedFrom: null,
        stepsLost: null,
        detectMs: 1,
        stopMs: 1,
        relaunchMs: null,
        firstIterationMs: null,
      },
    };
    book.noteIncident(incident, 4, NOW + 2_000);
    expect(book.relaunched(40, NOW + 3_500)).toMatchObject({ resumedFrom: 40, stepsLost: 17, relaunchMs: 1_500 });
    expect(book.relaunched(40, NOW + 9_000)).toBeNull();
    expect(book.moved(at(10_000))).toMatchObject({ id: 'i-1', resumedFrom: 40, firstIterationMs: 6_500 });
    expect(book.moved(at(11_000))).toBeNull();
    const report = book.report(2, NOW + 80_000);
    expect(report).toMatchObject({ incidents: 4, incident: { cause: 'rank-killed', reaction: 'restart' } });
    expect(report.incident?.sentence.length).toBeLessThanOrEqual(160);
  });
});
