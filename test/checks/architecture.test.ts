import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURE_CHECKS } from '../../scripts/checks/architecture.js';

const FIXTURES = resolve(import.meta.dirname, 'fixtures');

/** What each check must find in the bad project `fixtures/<folder>`, as "file:line part of the message". */
const CASES: Readonly<
  Record<keyof typeof ARCHITECTURE_CHECKS, { readonly folder: string; readonly findings: readonly string[] }>
> = {
  'import directions': {
    folder: 'import-directions',
    findings: [
      'src/activities/reads-disk.ts:1 activities does not touch the machine (node:fs/promises)',
      'src/cli/commands/status.ts:1 cli imports nothing of host',
      'src/cli/reads-disk.ts:1 only host touches the machine (node:fs)',
      'src/cli/uses-host.ts:1 cli imports nothing of host',
      'src/cli/uses-sdk-client.ts:1 @temporalio/client may be imported only by src/client/',
      'src/domain/digest.ts:1 this file is part of the workflow bundle',
      'src/domain/template.ts:1 domain does not touch the machine (node:fs)',
      'src/domain/template.ts:2 name the module of import() as a plain text',
      'src/domain/uses-recipe.ts:1 domain imports nothing of recipes',
      'src/extra/unknown.ts:1 extra is no known layer',
      'src/host/no-ending.ts:1 "./other" must end in .js',
      'src/host/no-ending.ts:2 write node:fs',
      'src/recipes/spawns.ts:2 recipes does not touch the machine (node:child_process)',
      'src/schemas/lazy.ts:2 schemas imports nothing of host',
      'src/schemas/type-import.ts:1 schemas imports nothing of host',
      'src/workflows/values.ts:1 workflows import values only from @temporalio/workflow and domain, not from zod',
      'src/workflows/values.ts:2 workflows imports only types of activities',
      'src/workflows/values.ts:3 this file is part of the workflow bundle',
    ],
  },
  'recipe words': {
    folder: 'recipe-words',
    findings: [
      'src/domain/special-case.ts:2 "HCCL"',
      'src/domain/special-case.ts:3 "mm-"',
      'src/host/program.mjs:1 "MindSpeed"',
      'src/host/program.py:1 "MindSpeed"',
      'src/recipes/shared.ts:1 "GLM"',
    ],
  },
  'file size': {
    folder: 'file-size',
    findings: ['src/host/fixtures/long.ts:301 301 lines; 300 at most', 'src/long.ts:301 301 lines; 300 at most'],
  },
  'environment access': {
    folder: 'environment-access',
    findings: [
      'src/domain/direct.ts:1 process.env',
      'src/domain/global.ts:1 process.env',
      'src/domain/global.ts:2 process.env',
      'src/domain/global.ts:3 process.env',
      'src/domain/imported.ts:1 process.env',
      'src/domain/taken.ts:1 process.env',
    ],
  },
  'machine access': {
    folder: 'machine-access',
    findings: [
      'src/domain/process.ts:1 process.getBuiltinModule loads past the imports',
      'src/domain/process.ts:2 process.getBuiltinModule loads past the imports',
      'src/domain/process.ts:3 only src/host/ and src/cli/dev/ end processes',
    ],
  },
  'activity options': {
    folder: 'activity-options',
    findings: [
      'src/workflows/bad.ts:3 this proxy sets no cancellationType',
      'src/workflows/bad.ts:4 this proxy sets no timeout',
      'src/workflows/bad.ts:5 the options of this proxy cannot be read here',
      'src/workflows/renamed.ts:3 this proxy sets no cancellationType',
      'src/workflows/renamed.ts:4 this proxy sets no cancellationType',
      'src/workflows/renamed.ts:5 this proxy sets no cancellationType',
      'src/workflows/renamed.ts:6 call it where its options stand',
      'src/workflows/renamed.ts:7 call it where its options stand',
      'src/workflows/undone.ts:16 this proxy sets no cancellationType',
      'src/workflows/undone.ts:17 the options of this proxy cannot be read here',
      'src/workflows/undone.ts:18 this proxy sets no timeout',
      'src/workflows/undone.ts:20 this proxy sets no cancellationType',
      'src/workflows/undone.ts:22 this proxy sets no timeout',
    ],
  },
  'documented exports': {
    folder: 'documented-exports',
    findings: [
      'src/bad.ts:1 say in one sentence of TSDoc what LIMIT is for',
      'src/bad.ts:10 say in one sentence of TSDoc what Remarked is for',
      'src/bad.ts:14 say in one sentence of TSDoc what Shape is for',
      'src/bad.ts:4 say in one sentence of TSDoc what empty is for',
    ],
  },
  'described fields': {
    folder: 'described-fields',
    findings: [
      'src/schemas/bad.ts:12 describe the field added, with its unit',
      'src/schemas/bad.ts:7 describe the field listed, with its unit',
      'src/schemas/bad.ts:8 describe the field plain, with its unit',
      'src/schemas/bad.ts:9 describe the field deep, with its unit',
    ],
  },
};

describe.each(Object.entries(CASES))('%s', (name, { folder, findings }) => {
  const check = ARCHITECTURE_CHECKS[name as keyof typeof ARCHITECTURE_CHECKS];

  it('finds exactly what is wrong in its bad fixture', () => {
    const result = check(join(FIXTURES, folder), ['src']);
    const found = result.findings.map(({ file, line, message }) => `${file}:${line} ${message}`).sort();
    expect(found).toHaveLength(findings.length);
    expect(found.map((text, index) => text.startsWith(findings[index] ?? '-') || text)).toEqual(
      findings.map(() => true),
    );
  });

  it('refuses to pass over a project in which there is nothing to look at', () => {
    const empty = mkdtempSync(join(tmpdir(), 'temper-empty-'));
    for (const folder of ['workflows', 'schemas']) mkdirSync(join(empty, 'src', folder), { recursive: true });
    expect(() => check(empty, ['src'])).toThrow(/^no .+ under src/);
    rmSync(empty, { recursive: true });
  });

  it('looks at this project', () => {
    expect(check(resolve(import.meta.dirname, '../..')).looked).toBeGreaterThan(0);
  });
});
