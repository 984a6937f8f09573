import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseRequest } from '../../../src/host/keeper/request-file.js';
import {
  KeeperExitSchema,
  KeeperMessageSchema,
  KeeperRecordSchema,
  KeeperReplySchema,
  KeeperRequestSchema,
} from '../../../src/schemas/keeper.js';

function golden(name: string): unknown {
  return JSON.parse(goldenText(name));
}

function goldenText(name: string): string {
  return readFileSync(new URL(`../../fixtures/formats/${name}`, import.meta.url), 'utf8');
}

function withField(value: unknown, name: string, field: unknown): unknown {
  return Object.assign({}, value, { [name]: field });
}

const Talk = z.object({ messages: z.array(z.unknown()), replies: z.array(z.unknown()) });

const FILES: readonly (readonly [string, z.ZodType])[] = [
  ['keeper-request/v1.json', KeeperRequestSchema],
  ['keeper-request/v1-fence.json', KeeperRequestSchema],
  ['keeper-record/v1.json', KeeperRecordSchema],
  ['keeper-exit/v1.json', KeeperExitSchema],
  ['keeper-exit/v1-spawn-error.json', KeeperExitSchema],
];

describe('formats of the keeper', () => {
  it.each(FILES)('%s is read whole, tolerates new fields, refuses a newer major', (name, schema) => {
    const value = golden(name);
    expect(schema.parse(value)).toEqual(value);
    expect(schema.parse(withField(value, 'addedLater', 1))).toEqual(value);
    expect(schema.safeParse(withField(value, 'v', 2)).success).toBe(false);
  });

  it('the talk is read whole', () => {
    const { messages, replies } = Talk.parse(golden('keeper-protocol/v1.json'));
    expect(messages.map((one) => KeeperMessageSchema.parse(one))).toEqual(messages);
    expect(replies.map((one) => KeeperReplySchema.parse(one))).toEqual(replies);
  });

  it.each([
    ['argv', []],
    ['argv', ['a\0b']],
    ['cwd', 'relative'],
    ['env', { 'NOT-A-NAME': 'x' }],
    ['env', { NAME: 'a\0b' }],
    ['graceMs', -1],
    ['graceMs', 1.5],
    ['killDeadlineMs', 0],
    ['labels', { run: 'r', stage: '' }],
    ['rankLogs', { dir: 'relative', baseRank: 0 }],
    ['id', 'Not/An/Id'],
    ['fence', { file: 'relative', attempt: 1, lease: 1, everyMs: 1, timeoutMs: 1 }],
    ['fence', { file: '/fence', attempt: 0, lease: 1, everyMs: 1, timeoutMs: 1 }],
    ['fence', { file: '/fence', attempt: 1, lease: 1, everyMs: 1 }],
  ])('a request with %s = %j is refused', (field, value) => {
    const request = golden('keeper-request/v1.json');
    expect(KeeperRequestSchema.safeParse(withField(request, field, value)).success).toBe(false);
  });
});

describe('the reader inside the keeper', () => {
  it.each([
    ['keeper-request/v1.json', 8],
    ['keeper-request/v1-fence.json', 9],
  ])('agrees with the schema on what it uses of %s', (name, fields) => {
    const request = KeeperRequestSchema.parse(golden(name));
    const read = parseRequest(goldenText(name), 'request.json');
    expect(request).toMatchObject(read);
    expect(Object.keys(read)).toHaveLength(fields);
  });

  it.each(['v', 'id', 'argv', 'cwd', 'env', 'graceMs', 'orphanTimeoutMs', 'killDeadlineMs', 'rankLogs', 'fence'])(
    'names %s when it is wrong',
    (field) => {
      const text = JSON.stringify(withField(golden('keeper-request/v1.json'), field, [3]));
      expect(() => parseRequest(text, '/k/request.json')).toThrow(`/k/request.json: ${field} is [3]`);
    },
  );
});
