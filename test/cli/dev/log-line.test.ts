import { describe, expect, it } from 'vitest';
import { foreignLine, isOwnLine } from '../../../src/cli/dev/log-line.js';
import { makeLogger } from '../../../src/logger.js';

describe('a line of the log of a service', () => {
  it('is our own when our logger wrote it', () => {
    const lines: string[] = [];
    makeLogger('info', { role: 'host' }, { write: (line) => lines.push(line) }).warn({ run: 'tiny' }, 'said');
    expect(lines.map(isOwnLine)).toEqual([true]);
  });

  it.each([
    'level=WARN msg=text',
    '{"time":"2026-11-27T09:00:00Z","level":"WARN","msg":"said"}',
    '{"time":"2026-11-27T09:00:00Z","level":"warn","msg":"said"}',
    '{"level":"info","role":"host","time":"2026-',
    '',
  ])('is not our own otherwise: %s', (line) => expect(isOwnLine(line)).toBe(false));

  it.each([
    ['DEBUG', 'debug'],
    ['INFO', 'info'],
    ['warn', 'warn'],
    ['ERROR', 'error'],
    ['ERROR+4', 'error'],
    ['fatal', 'fatal'],
    ['constructor', 'warn'],
    [7, 'warn'],
  ])('has the level of pino for %s', (level, expected) => {
    expect(foreignLine(JSON.stringify({ level, msg: 'said' }))).toMatchObject({ level: expected, message: 'said' });
  });

  it('keeps the fields of the server and when it wrote them', () => {
    const line = { time: '2026-11-27T09:00:00Z', level: 'WARN', msg: 'said', 'wf-id': 'temper/run/tiny', error: 'why' };
    expect(foreignLine(JSON.stringify(line))).toEqual({
      level: 'warn',
      fields: { loggedAt: '2026-11-27T09:00:00Z', 'wf-id': 'temper/run/tiny', error: 'why' },
      message: 'said',
    });
  });

  it.each(['panic: runtime error', '{"level":"warn","ms', '[1]', 'http://user:pass@host said no'])(
    'is kept whatever it is: %s',
    (line) => {
      const message = line.replace('user:pass', '…');
      expect(foreignLine(line)).toEqual({ level: 'warn', fields: {}, message });
    },
  );
});
