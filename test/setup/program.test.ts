import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

it('a script that is started through a link to the checkout runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'temper-link-'));
  try {
    const link = join(folder, 'checkout');
    symlinkSync(resolve(import.meta.dirname, '../..'), link);
    const { status, stderr } = spawnSync(process.execPath, [join(link, 'scripts/test.js'), 'nopart'], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
