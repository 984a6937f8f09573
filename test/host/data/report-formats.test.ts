import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DataCheckReportSchema, DataConvertReportSchema } from '../../../src/schemas/data.js';

describe.each([
  ['data-convert-report', DataConvertReportSchema],
  ['data-check-report', DataCheckReportSchema],
])('%s', (name, schema) => {
  const golden: Record<string, unknown> = JSON.parse(
    readFileSync(new URL(`../../fixtures/formats/${name}/v1.json`, import.meta.url), 'utf8'),
  );

  it('reads what version 1 wrote', () => {
    expect(schema.parse(golden)).toEqual(golden);
  });

  it('tolerates unknown fields', () => {
    expect(schema.parse({ ...golden, later: true })).toEqual(golden);
  });

  it('refuses a newer major version', () => {
    expect(schema.safeParse({ ...golden, v: 2 }).error?.issues[0]?.path).toEqual(['v']);
  });
});
