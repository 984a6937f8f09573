import { describe, expect, it } from 'vitest';
import { checkpointText } from '../../../src/cli/render/files.js';
import { plain } from '../../../src/cli/render/plain.js';
import type { CheckpointReport } from '../../../src/schemas/checkpoint.js';

describe('what a file says', () => {
  it.each([
    ['colours', 'a\u001b[31mb', 'a [31mb'],
    ['line breaks', 'a\r\nerror[X]', 'a  error[X]'],
    ['a second byte of escape', 'a\u009b2Jb', 'a 2Jb'],
    ['a change of direction', 'a\u202eb', 'a b'],
    ['other alphabets', 'größe 模型', 'größe 模型'],
  ])('reaches a terminal without %s being obeyed', (_what, text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  it('cannot forge lines of a report through the names in it', () => {
    const problem = {
      id: 'shard-missing',
      where: '/w/\u001b]0;title\u0007x',
      what: 'w\u001b[2J\nproblem gone: complete',
      why: 'why',
      fix: 'fix',
    };
    const report: CheckpointReport = {
      v: 1,
      complete: false,
      iteration: 4,
      worldSize: 2,
      tensors: 1,
      bytes: 1,
      hasOptimizer: false,
      problems: [problem],
      warnings: [problem],
    };
    const text = checkpointText('/w', report, (_style, part) => part);
    expect(text.split('\n')).toHaveLength(2 + 2 * 4);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('what a check of a checkpoint has proven', () => {
  const at = (content: Partial<NonNullable<CheckpointReport['content']>>): string => {
    const report: CheckpointReport = {
      ...{ v: 1, complete: true, iteration: 4, worldSize: 2, tensors: 1, bytes: 1, hasOptimizer: false },
      content: { isSealed: false, isRead: false, records: 0, unsummed: 0, ...content },
      problems: [],
      warnings: [],
    };
    return (
      checkpointText('/w', report, (_style, part) => part)
        .split('\n')
        .at(-1) ?? ''
    );
  };

  it('says exactly that, and what it has not', () => {
    expect(at({})).toBe('  checked: names, sizes, structure. Not the values (--deep reads all)');
    expect(at({ isSealed: true })).toBe(
      '  checked: names, sizes, structure; start, middle and end of each shard, which are as they were proven. ' +
        'Not the values between them (--deep reads all)',
    );
    expect(at({ isRead: true, records: 5 })).toBe(
      '  checked: names, sizes, structure; 5 stored records, which have the checksums that they were saved with',
    );
    expect(at({ isRead: true, records: 3, unsummed: 2 })).toContain(
      '. 2 records were saved without one: their values are not proven',
    );
  });
});
