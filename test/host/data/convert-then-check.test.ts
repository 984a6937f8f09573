import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { DataFailure } from '../../../src/domain/data/failures.js';
import { runDataCheck } from '../../../src/host/data/run-data-check.js';
import { runDataConvert } from '../../../src/host/data/run-data-convert.js';
import type { DataConvertReport } from '../../../src/schemas/data.js';
import { llava, png, put } from './support.js';

// Rows from sound to absurd, so that many are kept and many are nearly kept.
const sound = fc
  .record({
    image: fc.constantFrom(undefined, null, '', 'a.png', 'sub/b.png'),
    text: fc.string({ unit: 'grapheme', minLength: 1 }),
  })
  .map(({ image, text }) => llava(image || undefined, `q${text}`, `a${text}`));
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b\n', '<image>', '<image>\nq') },
  fc.string({ unit: 'binary' }),
  fc.constant('\ud800'),
);
const turn = fc.record({
  from: fc.constantFrom('human', 'gpt', 'human', 'gpt', 'system'),
  value: fc.oneof({ weight: 9, arbitrary: text }, fc.jsonValue()),
});
const pair = fc.tuple(text, text).map(([q, a]) => [
  { from: 'human', value: q },
  { from: 'gpt', value: a },
]);
const conversations = fc.oneof(
  { weight: 4, arbitrary: fc.array(pair, { maxLength: 3 }).map((pairs) => pairs.flat()) },
  fc.array(turn, { maxLength: 4 }),
  fc.jsonValue(),
);
const image = fc.constantFrom('a.png', 'sub/b.png', './a.png', '', null, 'gone.png', '../a.png', '/a.png', 'sub', 5);
const row = fc.oneof(
  { weight: 5, arbitrary: sound },
  { weight: 9, arbitrary: fc.record({ id: fc.string(), image, conversations }, { requiredKeys: ['conversations'] }) },
  fc.jsonValue(),
);

it('what convert keeps, check accepts, and it equals the plain algorithm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'temper-data-'));
  const images = join(folder, 'images');
  put(images, 'a.png', png(28, 28));
  put(images, 'sub/b.png', png(28, 28));
  let keptInAll = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 12 }), async (rows) => {
        const annotations = put(folder, 'llava.json', JSON.stringify(rows));
        const output = join(folder, 'mllm.json');
        rmSync(output, { force: true });
        const report = await convertOrNothing({ format: 'llava', annotations, images, output, maxDropped: '100%' });
        expect(report.kept + report.droppedBy.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length);
        if (report.kept === 0) return;
        keptInAll += report.kept;
        expect(await runDataCheck({ file: output, images })).toMatchObject({
          ok: true,
          rows: report.kept,
          problems: [],
        });
        // Every kept row is what the plain algorithm makes of one of the input rows, in their order.
        const candidates = rows.map(plainly);
        const kept: unknown = JSON.parse(readFileSync(output, 'utf8'));
        let from = 0;
        for (const line of Array.isArray(kept) ? kept : []) {
          from = candidates.indexOf(JSON.stringify(line), from) + 1;
          expect(from).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // The property would hold for a converter that keeps nothing.
  expect(keptInAll).toBeGreaterThan(200);
});

async function convertOrNothing(options: Parameters<typeof runDataConvert>[0]): Promise<DataConvertReport> {
  try {
    return await runDataConvert(options);
  } catch (error) {
    if (error instanceof DataFailure && error.id === 'data/nothing-kept' && error.report !== undefined)
      return error.report;
    throw error;
  }
}

const PlainSchema = z.object({
  image: z.unknown().optional(),
  conversations: z.array(z.object({ from: z.string(), value: z.string() })),
});

// The algorithm as one would write it without a thought of broken rows.
function plainly(value: unknown): string | undefined {
  const { success, data } = PlainSchema.safeParse(value);
  if (!success) return undefined;
  const messages = data.conversations.map(({ from, value: content }) => ({
    role: from === 'human' ? 'user' : 'assistant',
    content,
  }));
  return JSON.stringify({ images: data.image ? [data.image] : [], messages });
}
