import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../src/cli/render/report.js';
import { aDoneRun, aRun } from '../support.js';

const plain = (_style: string, text: string): string => text;

describe('renderReport', () => {
  it('tells where the model lies, the losses, the answers before and after, and the time per stage', () => {
    expect(renderReport(aDoneRun(), plain)).toBe(
      [
        'tiny done in 3m 12s',
        '',
        'model    /w/runs/tiny/export/hf',
        'loss     5.31 first, 0.0871 last',
        'answers  2.0 % right before, 98.0 % right after (held-out images)',
        '',
        'QUESTION      EXPECTED  BEFORE     AFTER',
        'What colour?  red       blu [31me  red',
        '',
        'STAGE        TIME    STATE   HOST',
        'environment  0.4 s   done    laptop-1',
        'weights      0.0 s   reused  -',
        'train        1m 01s  done    2 hosts',
        'export       9.0 s   done    laptop-2',
      ].join('\n'),
    );
  });

  it('leaves out what a partial run does not know', () => {
    const { result } = aDoneRun();
    if (result === null) throw new Error('a done run has a result');
    const text = renderReport(aRun({ state: 'done', result: { ...result, exportDir: null, facts: {} } }), plain);
    expect(text).toContain('model    none: the run stopped before the export');
    expect(text).not.toContain('loss');
    expect(text).not.toContain('answers');
  });
});
