import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SPEC_RULES } from '../../../src/domain/spec/rules.js';
import { findingProblem, readSpec, readStoredSpec, toProblem } from '../../../src/domain/spec/read-spec.js';
import { decodeSpec } from '../../../src/domain/spec/text-checks.js';
import { SpecProblemSchema } from '../../../src/schemas/spec-problem.js';
import { RULE_CASES } from './broken-rules.js';
import { TEXT_CASES } from './broken-text.js';
import { SCHEMA_CASES } from './broken-schema.js';
import { FULL, RECIPE, edited, linesOf, read } from './spec-cases.js';

describe('readSpec', () => {
  it('accepts a spec with every field and fills in nothing that was said', () => {
    const { spec, problems } = read(FULL);
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      name: 'full',
      workspace: '/mnt/shared/temper',
      train: { iterations: 400, learningRate: 0.002 },
    });
  });

  it.each([...SCHEMA_CASES, ...RULE_CASES, ...TEXT_CASES])('refuses or tells: $name', ({ text, says }) => {
    expect(linesOf(text).slice(0, 3)).toEqual(says);
  });

  it('takes brackets in comments for text', () => {
    const art = '['.repeat(70);
    expect(read(`# ${art}\n${FULL}#${art}\n`.replace('seed: 42', `seed: 42 # ${art}`)).problems).toEqual([]);
  });

  it('names the place of a byte that is no UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('name: a\ntitle: "ä '), Buffer.from([0xe4]), Buffer.from('"\n')]);
    const { text, finding } = decodeSpec(bytes);
    expect(finding && findingProblem(finding, 's.yaml', text)).toMatchObject({ id: 'text/binary', line: 2, col: 11 });
    expect(decodeSpec(Buffer.from('a: ä'))).toEqual({ text: 'a: ä' });
  });

  it.each([
    ['a key that is no text', (text: string) => `${text}1: 2\n`, 'yaml/key'],
    ['a key that is a list', (text: string) => `${text}? [a, b]\n: 1\n`, 'yaml/key'],
    ['a key of objects', (text: string) => `${text}__proto__: { a: 1 }\n`, 'yaml/key'],
    ['a second document', (text: string) => `${text}---\nname: b\n`, 'yaml/multiple-documents'],
    [
      'an alias of a value',
      (text: string) => text.replace('seed: 42', 'seed: &a 42\n  weightDecay: *a'),
      'yaml/anchor',
    ],
    [
      'an alias of a section',
      (text: string) => text.replace('export:', 'other: &o { dtype: bf16 }\nexport: *o\nunused:'),
      'yaml/anchor',
    ],
    ['a merge key', (text: string) => text.replace('export:\n', 'export:\n  <<: { a: 1 }\n'), 'yaml/merge-key'],
  ])('tells %s together with what else is wrong', (_what, spoil, id) => {
    const ids = read(spoil(edited('  hosts: 2', '  hosts: 0\n  hostz: 2'))).problems.map((problem) => problem.id);
    expect(ids).toEqual(expect.arrayContaining([id, 'schema/unknown-key']));
    expect(ids).toContain('schema/too-small');
  });

  it('knows the fields that an alias or a merge key brings, its own before them, the first before others', () => {
    const fleet = FULL.slice(FULL.indexOf('fleet:\n') + 7, FULL.indexOf('\n', FULL.indexOf('  hosts:')) + 1);
    const lines = (text: string): string[] => read(text).problems.map(({ id }) => id);
    const merged = (keys: string): string =>
      FULL.replace(`fleet:\n${fleet}`, `fleet:\n${keys}`).replace(
        'name:',
        'x-1: &one { hosts: -1 }\nx-2: &two\n' + fleet + 'name:',
      );
    const told = ['schema/unknown-key', 'yaml/anchor', 'yaml/merge-key'];
    expect(new Set(lines(merged('  <<: *two\n')))).toEqual(new Set(told));
    expect(lines(merged('  <<: [*one, *two]\n'))).toContain('schema/too-small');
    expect(lines(merged('  <<: [*two, *one]\n'))).not.toContain('schema/too-small');
    expect(lines(merged('  <<: *one\n  hosts: 2\n'))).not.toContain('schema/too-small');
  });

  it('ends with an alias of itself', () => {
    expect(read(`${FULL}loop: &a [*a]\n`).problems.map(({ id }) => id)).toContain('yaml/anchor');
  });

  it('tells all problems of a file at once, in its order', () => {
    const text = edited('  hosts: 2', '  hosts: 0')
      .replace('dtype: bf16', 'dtype: int4')
      .replace('name: ready', 'name: pictures');
    expect(read(text).problems.map(({ line, id }) => [line, id])).toEqual([
      [9, 'schema/too-small'],
      [38, 'data/duplicate-name'],
      [85, 'schema/choice'],
    ]);
  });

  it('has a case for each cross-field rule', () => {
    const seen = new Set([...RULE_CASES, ...TEXT_CASES].flatMap(({ text }) => read(text).problems.map(({ id }) => id)));
    expect(SPEC_RULES.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
  });

  it('takes relative paths from the folder of the file and leaves absolute ones', () => {
    const text = edited('workspace: /mnt/shared/temper', 'workspace: ../work')
      .replace('dcp:/mnt/models/dcp', 'dcp:models/dcp')
      .replace('annotations: /mnt/data/rows.json', 'annotations: ./rows.json');
    const spec = readSpec(text, { file: 's.yaml', baseDir: '/base/specs' }).spec;
    expect(spec?.workspace).toBe('/base/work');
    expect(spec?.weights.source).toBe('dcp:/base/specs/models/dcp');
    expect(spec?.weights.original).toBe('/mnt/models/hf');
    expect(spec?.data.map((set) => (set.format === 'synthetic' ? null : set.annotations))).toEqual([
      '/base/specs/rows.json',
      '/mnt/data/ready.json',
      null,
    ]);
  });

  it.each([
    ['scratch', '/local/temper', 'nfs://server/scratch'],
    ['environment.python', '/opt/env/bin/python', 'https://example.org/python'],
    ['environment.folder', '/opt/environments', 's3://bucket/environments'],
    ['environment.checkouts.trainer', 'trainer: /opt/trainer', 'trainer: hf:owner/trainer'],
    ['weights.source', 'dcp:/mnt/models/dcp', 'dcp:s3://bucket/dcp'],
    ['weights.original', 'original: /mnt/models/hf', 'original: hf:owner/model'],
    ['train.fromCheckpoint', '/mnt/old/iter_0000100', 's3://bucket/iter_0000100'],
  ])('refuses something remote as %s', (field, path, remote) => {
    const { problems } = read(edited(path, remote));
    expect(problems.map(({ id, path: where }) => [id, where])).toEqual([['path/remote', field]]);
  });

  it.each([
    ['weights.revision', '  original: /mnt', '  revision: ../../x\n  original: /mnt'],
    ['weights.revision', '  original: /mnt', '  revision: ..\n  original: /mnt'],
    ['weights.revision', '  original: /mnt', '  revision: a//b\n  original: /mnt'],
    ['environment.sources.trainer.ref', 'ref: main', 'ref: --orphan'],
    ['environment.sources.trainer.url', 'ref: main', 'url: https://example.org/a b'],
    ['train.distributedTimeout', 'distributedTimeout: 30m', 'distributedTimeout: 0.0s'],
    ['workspace', '/mnt/shared/temper', '"/mnt/\\u009b"'],
    ['workspace', '/mnt/shared/temper', '"/mnt/\\u2028"'],
    ['workspace', '/mnt/shared/temper', '"/mnt/\\ud800"'],
    ['weights.source', 'dcp:/mnt/models/dcp', '"dcp:/mnt/\\u2029"'],
  ])('refuses as %s: %s -> %s', (field, from, to) => {
    const { problems } = read(edited(from, to));
    expect(problems.filter(({ id }) => id === 'schema/pattern').map(({ path }) => path)).toEqual([field]);
  });

  it('takes paths in any script, and revisions as git names them', () => {
    const text = edited('/mnt/shared/temper', '/mnt/模型-🐱').replace('ref: main', 'ref: release/v1.0_rc-2');
    expect(read(text).problems).toEqual([]);
  });

  it('makes keys and values printable', () => {
    const { problems } = read(`${FULL}"\\e[31m\\n\\u202e": 1\n`.replace('name: full', 'name: "\\x9b31m"'));
    const lines = problems.map(({ path, what, fix }) => `${path} ${what} ${fix}`);
    expect(problems.map(({ id }) => id)).toEqual(['schema/pattern', 'schema/unknown-key']);
    expect(lines.filter((line) => /[\p{C}\p{Zl}\p{Zp}]/u.test(line))).toEqual([]);
    expect(problems[1]?.path).toBe('\\u{001b}[31m\\u{000a}\\u{202e}');
  });

  it('lets an accepted lint pass as a warning and forgets an accepted warning', () => {
    const accepted = read(edited('seed: 42', 'seed: 1').replace('accept: []', 'accept: [train/unlucky-seed]'));
    expect(accepted.spec).not.toBeNull();
    expect(accepted.problems).toMatchObject([{ severity: 'warning', id: 'train/unlucky-seed' }]);
    expect(read(edited('seed: 42', 'seed: 2').replace('accept: []', 'accept: [train/odd-seed]')).problems).toEqual([]);
  });

  it('never shows the value of what looks like a secret', () => {
    expect(JSON.stringify(read(edited('    TRIES: 3', '    HF_TOKEN: hf_topsecret')).problems)).not.toContain(
      'topsecret',
    );
  });

  it('makes catalogue problems that name file, line, column and field', () => {
    const [first] = read(edited('  hosts: 2', '  hosts: 0')).problems;
    expect(first && toProblem(first)).toMatchObject({
      code: 'SpecInvalid',
      where: 's.yaml:9:10 fleet.hosts',
      what: '0 is too small',
      retryable: false,
    });
  });

  it('does not execute or expand an alias bomb, and answers within a second', () => {
    const keys = 'abcdefghijklmnopqrstuvw'.split('');
    const bomb = keys.map(
      (key, index) => `${key}: &${key} ${index === 0 ? '[x, x]' : `[*${keys[index - 1]}, *${keys[index - 1]}]`}`,
    );
    const startedAt = performance.now();
    expect(read(bomb.join('\n')).spec).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

/** Pieces that break YAML in interesting ways. */
const PIECES = [
  '\t',
  ':',
  '- ',
  '? ',
  '&a ',
  '*a',
  '!!int ',
  '{',
  '[',
  ']',
  '"',
  "'",
  '|\n',
  '>',
  '%',
  '\u0000',
  '\ufeff',
  '\r',
  '---\n',
  '...',
  '#',
  '~',
  '<<: ',
  '__proto__: 1\n',
  '1e999',
  '.nan',
  '\ud800',
  '💥',
];

describe('readSpec on any text', () => {
  const cut = fc.tuple(
    fc.nat(FULL.length),
    fc.nat(40),
    fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 12 })),
  );

  it('never throws and places every problem inside the text, whatever was changed in a valid spec', () => {
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
        const text = cuts.reduce(
          (before, [at, length, piece]) => before.slice(0, at) + piece + before.slice(at + length),
          FULL,
        );
        expectSane(text);
      }),
      { numRuns: 200 },
    );
  });

  it('never throws on text that nobody wrote as a spec', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string()), { maxLength: 60 }), (pieces) =>
        expectSane(pieces.join('')),
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ['brackets', '['.repeat(60_000)],
    ['mixed brackets', '[{'.repeat(30_000)],
    ['dashes', '- '.repeat(32_000)],
    ['question marks', '? '.repeat(30_000)],
    ['tags', '!!x '.repeat(10_000)],
    ['anchors', '&a '.repeat(20_000)],
    ['quotes', '"'.repeat(60_000)],
    ['line ends', '\n'.repeat(60_000)],
    ['keys', Array.from({ length: 6_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['indentation', Array.from({ length: 340 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')],
  ])('answers soon on a file full of %s', (_name, text) => {
    const startedAt = performance.now();
    expect(readStoredSpec(text, { recipes: [RECIPE] }).spec).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

function expectSane(text: string): void {
  const { spec, problems } = read(text);
  const lines = text.split('\n').length;
  for (const problem of problems) {
    SpecProblemSchema.parse(problem);
    expect(problem.line).toBeLessThanOrEqual(lines);
  }
  expect(spec === null).toBe(problems.some(({ severity }) => severity === 'error'));
}
