import type { BrokenSpec } from './broken-schema.js';
import { FULL, edited } from './spec-cases.js';

/** Specs whose text is no YAML that a spec may be written in; rules are named by their id. */
export const TEXT_CASES: readonly BrokenSpec[] = [
  {
    name: 'text/too-large',
    text: `# ${'x'.repeat(65_536)}`,
    says: [
      's.yaml:1:1: the file has more than 65536 bytes, a spec is written by people and travels whole with the run, name large lists in files of their own; is this the data set instead of the spec?',
    ],
  },
  {
    name: 'text/binary',
    text: 'name: a\u0000b',
    says: ['s.yaml:1:8: a NUL character stands at offset 7, a spec is UTF-8 text, save the file as UTF-8 text'],
  },
  {
    name: 'text/too-deep',
    text: `name: ${'['.repeat(65)}`,
    says: [
      's.yaml:1:71: more than 64 levels are nested, no spec nests that deep and a parser could run out of memory, close the brackets, or write one entry per line',
    ],
  },
  {
    name: 'yaml/empty',
    text: '# nothing\n',
    says: [
      's.yaml:1:1: the file is empty, a spec says what to train, with what and where, start from temper init --recipe cpu-tiny',
    ],
  },
  {
    name: 'yaml/not-a-section',
    text: '- a\n- b\n',
    says: [
      's.yaml:1:1: the file is not a list of fields (name: value), a spec says what to train, with what and where, start from temper init --recipe cpu-tiny',
    ],
  },
  {
    name: 'yaml/syntax',
    text: edited('name: full', 'name: "full'),
    says: [
      's.yaml:3:7: this is not YAML (Missing closing "quote), the text cannot be read beyond this place, check quotes, brackets, colons and indentation here and in the line before',
    ],
  },
  {
    name: 'yaml/duplicate-key',
    text: edited('name: full', 'name: full\nname: again'),
    says: [
      's.yaml:4:1: the key "name" stands twice in this section, one of the two values would be ignored silently, remove one of them',
    ],
  },
  {
    name: 'yaml/tab',
    text: edited('  dtype: bf16', '\tdtype: bf16'),
    says: ['s.yaml:85:1: a tab is used for indentation, YAML allows spaces only, replace the tab by spaces'],
  },
  {
    name: 'yaml/multiple-documents',
    text: `${FULL}---\nname: two\n`,
    says: [
      's.yaml:91:1: a second document starts here (---), a file holds one spec and the rest would be ignored, move it to a file of its own',
    ],
  },
  {
    name: 'yaml/anchor',
    text: edited('name: full', 'name: &n full'),
    says: [
      's.yaml:3:10: the anchor &n marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/anchor (alias)',
    text: edited('name: full', 'name: &n full').replace('name: ready', 'name: *n'),
    says: [
      's.yaml:3:10: the anchor &n marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:38:11: the alias *n repeats another part of the file, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/key (one that would be lost)',
    text: edited('    TRIES: 3', '    __proto__: 3'),
    says: [
      's.yaml:70:5: "__proto__" is used as a key, programs do not take it for a name, and would lose what stands under it, rename it',
    ],
  },
  {
    name: 'text/too-deep (behind a comment with a quote)',
    text: `a: "b # c", ${'['.repeat(65)}`,
    says: [
      's.yaml:1:77: more than 64 levels are nested, no spec nests that deep and a parser could run out of memory, close the brackets, or write one entry per line',
    ],
  },
  {
    name: 'yaml/merge-key',
    text: edited('export:\n', 'export:\n  <<: { dtype: f32 }\n'),
    says: [
      's.yaml:85:3: the merge key << takes fields from elsewhere, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
  {
    name: 'yaml/tag',
    text: edited('name: full', 'name: !!str full'),
    says: [
      's.yaml:3:13: the tag "tag:yaml.org,2002:str" changes the type of a value, types come from the schema of the spec, remove the tag; put text that looks like a number in quotes',
    ],
  },
  {
    name: 'yaml/directive',
    text: `%YAML 1.1\n---\n${FULL}`,
    says: [
      's.yaml:1:1: the file asks for YAML 1.1, in older YAML "on", "no" and 0777 mean something else than they say, remove the %YAML line',
    ],
  },
  {
    name: 'yaml/key',
    text: edited('    TRIES: 3', '    1: 3'),
    says: [
      's.yaml:70:5: 1 is used as a key, keys are names, write the key as text, in quotes if it looks like a number',
    ],
  },
  {
    name: 'alias bomb',
    text: [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...Array.from(
        { length: 20 },
        (_, i) =>
          `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${Array.from({ length: 9 }, () => `*${String.fromCharCode(97 + i)}`).join(',')}]`,
      ),
    ].join('\n'),
    says: [
      's.yaml:1:7: the anchor &a marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:2:7: the anchor &b marks a part to be repeated, whoever reads the spec must see each value where it is used, write the values out',
      's.yaml:2:8: the alias *a repeats another part of the file, whoever reads the spec must see each value where it is used, write the values out',
    ],
  },
];
