import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = resolve(import.meta.dirname, '../..');
const FIXTURE = resolve(import.meta.dirname, 'fixtures/lint');

const ReportSchema = z.object({
  number_of_files: z.number(),
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })),
});

/** A copy of the bad project with our own lint settings: in place, the settings leave all fixtures out. */
const project = mkdtempSync(join(tmpdir(), 'temper-lint-'));

beforeAll(() => {
  cpSync(FIXTURE, project, { recursive: true });
  for (const file of ['.oxlintrc.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(project, file));
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('our lint settings', () => {
  it('refuse the mistakes that matter most here, each in a file of its own', () => {
    const linter = join(ROOT, 'node_modules/oxlint/bin/oxlint');
    const { stdout, status } = spawnSync(process.execPath, [linter, '--format', 'json', 'src'], {
      cwd: project,
      encoding: 'utf8',
    });
    const { number_of_files: looked, diagnostics } = ReportSchema.parse(JSON.parse(stdout));
    expect(diagnostics.map(({ code, filename }) => `${filename} ${code}`).sort()).toEqual([
      'src/domain/any.ts typescript(no-explicit-any)',
      'src/domain/console.ts eslint(no-console)',
      'src/domain/default-export.ts import(no-default-export)',
      'src/domain/parameter.ts eslint(no-param-reassign)',
      'src/domain/switch.ts typescript(switch-exhaustiveness-check)',
      'src/workflows/floating.ts typescript(no-floating-promises)',
      'src/workflows/node-import.ts eslint(no-restricted-imports)',
      'src/workflows/process.ts eslint(no-restricted-globals)',
      'src/workflows/sdk-client.ts eslint(no-restricted-imports)',
    ]);
    expect(looked).toBe(10);
    expect(status).toBe(1);
  });
});
