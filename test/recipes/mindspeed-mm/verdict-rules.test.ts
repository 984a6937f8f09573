import { describe, expect, it } from 'vitest';
import { GENERIC_RULES } from '../../../src/domain/causes/cause-rules.js';
import type { CauseRule } from '../../../src/domain/causes/causes.js';
import { diagnose } from '../../../src/domain/causes/diagnose.js';
import { findingsOf } from '../../../src/domain/causes/evidence.js';
import { decide } from '../../../src/domain/gang/policy.js';
import { DEVICE_FAULTS, findDeviceFault } from '../../../src/recipes/mindspeed-mm/verdict/device-faults.js';
import { verdictRules } from '../../../src/recipes/mindspeed-mm/verdict-rules.js';
import type { Verdict } from '../../../src/schemas/incident.js';
import { at, evidence, rank, signs } from '../../domain/causes/failure-cases.js';
import { HARMLESS, LINES } from './verdict-cases.js';

const ALL = [...verdictRules, ...GENERIC_RULES];

function firstRule(line: string): CauseRule | undefined {
  return ALL.find(({ match }) => match.kind === 'text' && match.pattern.test(line));
}

describe('the rules for failures on this hardware', () => {
  it.each(LINES)('%s explains: %s', (rule, line) => {
    expect(firstRule(line)?.id).toBe(rule);
  });

  it('have ids of their own and a line of the table each', () => {
    const ids = verdictRules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !LINES.some(([rule]) => rule === id))).toEqual([]);
  });

  it.each(HARMLESS.map((line) => [line]))('say nothing of: %s', (line) => {
    expect(firstRule(line)?.id).toBeUndefined();
  });

  it('mark everything that only waits for a peer as a consequence', () => {
    const cascades = LINES.filter(([rule]) => /^(hccl-(heartbeat|stuck|trace|notify|socket|root)|torch-)/.test(rule));
    expect(cascades.length).toBeGreaterThan(10);
    for (const [, line] of cascades) expect(firstRule(line)?.isCascade).toBe(true);
  });

  it.each([
    ['hccl-arguments-differ', 'stop'],
    ['hccl-interface-missing', 'stop'],
    ['hccl-port-taken', 'clean-restart'],
    ['hccl-roce-retransmission', 'restart'],
    ['device-held', 'clean-restart'],
    ['device-heartbeat-lost', 'clean-restart'],
    ['core-exception', 'restart'],
    ['device-fault-80e18402', 'replace-host'],
    ['host-hardware', 'replace-host'],
  ])('%s: %s', (id, reaction) => {
    expect(verdictRules.find((rule) => rule.id === id)).toMatchObject({ reaction, isCascade: false });
  });
});

describe('a gang that failed', () => {
  const notify = 'EI0002: The wait execution of the Notify register times out';
  const waiting = (host: string, node: number, seconds: number) =>
    evidence(
      host,
      node,
      findingsOf(
        signs(host, {
          ranks: Array.from({ length: 16 }, (_, local) =>
            rank(node * 16 + local, ['Traceback (most recent call last):', `RuntimeError: ${notify}`], seconds),
          ),
        }),
        ALL,
      ),
    );

  it('is blamed on the device that failed first, however many ranks only waited for it', () => {
    const broken = evidence(
      'h03',
      3,
      findingsOf(
        signs('h03', {
          ranks: [
            rank(50, ['Traceback (most recent call last):', 'RuntimeError: HBM MULTI BIT ECC ERROR.', notify], 5),
            ...Array.from({ length: 3 }, (_, other) =>
              rank(51 + other, ['Traceback (most recent call last):', notify], 1_805),
            ),
          ],
        }),
        ALL,
      ),
    );
    const all = [waiting('h00', 0, 1_805), broken, waiting('h07', 7, 1_806)];
    for (const order of [all, all.toReversed()]) {
      expect(diagnose(order)).toMatchObject({ rule: 'memory-multi-bit', host: 'h03', rank: 50, cause: 'device-fault' });
    }
  });

  it('is not blamed on anybody when all only waited', () => {
    expect(diagnose([waiting('h00', 0, 1_805), waiting('h01', 1, 1_805)])).toMatchObject({
      cause: 'unknown',
      confidence: 'low',
    });
  });

  it.each([
    ['E30006: Failed to verify the OPP'],
    ['EL0003: [PID: 4711] 2026-01-12-10:00:00.123.456 Invalid_Argument(EL0003): The argument is invalid.'],
  ])('is blamed on the set-up, though the device said first that it did not start: %s', (setup) => {
    const start = 'RuntimeError: aclrtSetDevice, error code is 507033 Failed to start the device';
    for (const lines of [
      [start, setup],
      [setup, start],
    ]) {
      const found = findingsOf(
        signs('h00', { ranks: [rank(0, ['Traceback (most recent call last):', ...lines], 1)] }),
        ALL,
      );
      expect(diagnose([evidence('h00', 0, found)])).toMatchObject({
        rule: 'opp-unverified',
        cause: 'environment',
        reaction: 'stop',
        sentence: expect.stringContaining(setup.slice(0, 60)),
      });
    }
  });

  it('is blamed on the exception where the last line only says that there was one', () => {
    const lines = [
      'Traceback (most recent call last):',
      "KeyError: 'messages'",
      '[ERROR] (PID:1, Device:0, RankID:0) ERR99999 UNKNOWN applicaiton exception',
    ];
    const found = findingsOf(signs('h00', { ranks: [rank(0, lines, 1)] }), ALL);
    expect(diagnose([evidence('h00', 0, found)])).toMatchObject({
      rule: 'wrong-code',
      cause: 'code-error',
      reaction: 'stop',
    });
  });
});

describe('what a code means by the time it comes', () => {
  const verdictAt = (line: string, lastIteration: number | null) => {
    const found = findingsOf(
      signs('h00', { ranks: [rank(0, ['Traceback (most recent call last):', `RuntimeError: ${line}`], 1)] }),
      ALL,
    );
    // The host of the last rank alone knows how far the attempt came.
    return diagnose([
      { ...evidence('h00', 0, found), lastIteration: null },
      { ...evidence('h07', 7, []), lastIteration },
    ]);
  };

  it.each([
    ['EL0004: Failed to allocate memory.', 'clean-restart leftover', 'stop out-of-memory'],
    ['error code is 207018 The memory on the device is exhausted', 'clean-restart leftover', 'stop out-of-memory'],
    ['error code is 207001 Failed to apply for memory', 'clean-restart leftover', 'stop out-of-memory'],
    ['error code is 507018 aicpu execution is abnormal', 'clean-restart device-fault', 'restart device-fault'],
    ['error code is 507017 aicpu execution times out', 'clean-restart device-fault', 'restart device-fault'],
    ['error code is 507033 Failed to start the device', 'clean-restart leftover', 'clean-restart leftover'],
    ['NPU out of memory. Tried to allocate 2.00 GiB', 'restart out-of-memory', 'restart out-of-memory'],
  ])('%s: %s before the first iteration, %s after it', (line, before, after) => {
    const told = ({ reaction, cause }: Verdict): string => `${reaction} ${cause}`;
    expect([told(verdictAt(line, null)), told(verdictAt(line, 512))]).toEqual([before, after]);
  });
});

describe('a device that fails', () => {
  const verdict: Verdict = {
    rule: 'core-exception',
    cause: 'device-fault',
    reaction: 'restart',
    host: 'h03',
    rank: 50,
    at: at(0),
    sentence: '',
    evidenceLines: [],
    confidence: 'high',
  };
  const recovery = { maxRestartsWithoutProgress: 5, spareWaitMs: 1_000, onUnknown: 'restart' } as const;

  it('costs a restart the first time, the host the second time within a day', () => {
    const now = Date.parse(at(0)) + 3_600_000;
    const before = (blames: readonly { host: string; at: string }[]) =>
      decide(verdict, { restarts: 1, byCause: {}, blames }, recovery, now, true).reaction;
    expect(before([])).toBe('restart');
    expect(before([{ host: 'h02', at: at(0) }])).toBe('restart');
    expect(before([{ host: 'h03', at: at(0) }])).toBe('replace-host');
    expect(before([{ host: 'h03', at: at(-86_400) }])).toBe('restart');
  });

  it('has its code looked up however it is written', () => {
    expect(findDeviceFault('0x80e18402')).toMatchObject({ level: 'SeparateNPU', answer: 'replace-host' });
    expect(findDeviceFault(' 80E18402 ')?.code).toBe('80E18402');
    expect(findDeviceFault('12345678')).toBeNull();
    expect(new Set(DEVICE_FAULTS.map(({ code }) => code)).size).toBe(DEVICE_FAULTS.length);
  });
});
