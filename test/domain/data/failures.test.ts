import { expect, it } from 'vitest';
import { DATA_FAILURES, DataFailure } from '../../../src/domain/data/failures.js';
import type { DataFailureId } from '../../../src/domain/data/failures.js';

it('every failure says what, where, why and fix in one line', () => {
  for (const id of Object.keys(DATA_FAILURES)) {
    // Object.keys gives plain strings; the table itself says that these are its ids.
    const failure = new DataFailure(id as DataFailureId, { what: 'W', where: 'H' });
    expect(failure.message).toMatch(/^H: W \(.{20,}\) \[\w+\]; fix: .{10,}$/);
  }
});
