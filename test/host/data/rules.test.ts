import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA_RULES } from '../../../src/domain/data/rules.js';
import { checkMllm } from '../../../src/host/data/check-mllm.js';
import { convertRows } from '../../../src/host/data/convert-rows.js';
import { DEFAULT_TOKEN_MODEL } from '../../../src/host/data/run-data-check.js';
import { DataCheckReportSchema, DataConvertReportSchema } from '../../../src/schemas/data.js';
import { CASE_IMAGES, CASE_RESERVED, CASE_SEQUENCE_LENGTH, CHECK_CASES, CONVERT_CASES } from './rule-cases.js';
import { png, put, scratchFolder } from './support.js';

function imagesFolder(folder: string): string {
  const images = join(folder, 'images');
  for (const [name, content] of Object.entries(CASE_IMAGES)) put(images, name, content);
  mkdirSync(join(folder, 'elsewhere'));
  put(folder, 'outside.png', png(64, 64));
  put(folder, 'elsewhere/outside.png', png(64, 64));
  symlinkSync('../outside.png', join(images, 'link-out.png'));
  symlinkSync('../elsewhere', join(images, 'folder-out'));
  symlinkSync('nowhere.png', join(images, 'dangling.png'));
  symlinkSync('loop.png', join(images, 'loop.png'));
  return images;
}

describe('check', () => {
  it.each(CHECK_CASES)('$rule: $name', async (ruleCase) => {
    const folder = scratchFolder();
    const images = imagesFolder(folder);
    const report = await checkMllm({
      file: put(folder, ruleCase.file ?? 'data.json', ruleCase.content),
      imageRoot: ruleCase.imageRoot ?? images,
      sequenceLength: CASE_SEQUENCE_LENGTH,
      worldBatch: 1,
      tokens: DEFAULT_TOKEN_MODEL,
      reservedTokens: CASE_RESERVED,
    });
    const problem = report.problems.find(({ id }) => id === ruleCase.rule);
    expect(problem).toMatchObject({
      ...DATA_RULES[ruleCase.rule],
      examples: [{ row: ruleCase.row, where: ruleCase.where }],
    });
    expect(report.ok).toBe(DATA_RULES[ruleCase.rule].severity === 'warning');
    // Nothing else may be reported, except that a file whose only row is bad has too few rows.
    const others = report.problems
      .map(({ id }) => id)
      .filter((id) => id !== ruleCase.rule && id !== 'data/rows-below-batch');
    expect(others.filter((id) => !(ruleCase.rule === 'data/rows-below-batch' && id === 'data/image-missing'))).toEqual(
      [],
    );
    expect(DataCheckReportSchema.parse(report)).toEqual(report);
  });
});

describe('convert', () => {
  it.each(CONVERT_CASES)('$rule: $name', async (ruleCase) => {
    const folder = scratchFolder();
    const report = await convertRows({
      annotations: put(folder, 'llava.json', ruleCase.content),
      imagesDir: imagesFolder(folder),
      output: join(folder, 'out.json'),
      maxDropped: 0.5,
      reservedTokens: CASE_RESERVED,
    });
    expect(report).toMatchObject({ rows: 3, kept: 2, dropped: 1, textOnly: 1 });
    expect(report.droppedBy).toMatchObject([
      { id: ruleCase.rule, count: 1, examples: [{ row: ruleCase.row, where: ruleCase.where }] },
    ]);
    expect(DataConvertReportSchema.parse(report)).toEqual(report);
  });
});

it('every rule has a case, and says why and what to do', () => {
  const covered = new Set([...CHECK_CASES, ...CONVERT_CASES].map(({ rule }) => rule));
  for (const [id, rule] of Object.entries(DATA_RULES)) {
    expect(covered, id).toContain(id);
    expect(rule.why.length, id).toBeGreaterThan(20);
    expect(rule.fix.length, id).toBeGreaterThan(10);
  }
});
