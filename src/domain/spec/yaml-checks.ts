import { isAlias, isMap, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import { showValue } from './finding.js';
import type { Finding } from './finding.js';
import { isFieldKey, isMergeKey } from './yaml-repair.js';

/** Faults after which the parsed data is still worth checking: the parser kept all of it, or what it kept can be told. */
const RECOVERABLE: ReadonlySet<string> = new Set([
  ...['yaml/duplicate-key', 'yaml/anchor', 'yaml/tag', 'yaml/directive'],
  ...['yaml/key', 'yaml/merge-key', 'yaml/multiple-documents'],
]);
/** A broken quote early in a file makes everything after it an error; nobody reads more than these. */
const MAX_SYNTAX_FINDINGS = 5;

/** What a YAML document must not hold, and whether its data can be used for further checks. */
export function checkYaml(document: Document.Parsed): {
  readonly findings: readonly Finding[];
  readonly isReadable: boolean;
} {
  const syntax = document.errors.slice(0, MAX_SYNTAX_FINDINGS).map((error) => explain(error, document));
  const findings = [
    ...syntax,
    ...directives(document),
    ...hiddenFeatures(document),
    ...topLevel(document, syntax.length > 0),
  ];
  return { findings, isReadable: findings.every(({ id }) => RECOVERABLE.has(id)) };
}

function explain(error: YAMLError, document: Document.Parsed): Finding {
  const place = { offset: error.pos[0] };
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return {
        id: 'yaml/tab',
        place,
        what: 'a tab is used for indentation',
        why: 'YAML allows spaces only',
        fix: 'replace the tab by spaces',
      };
    case 'MULTIPLE_DOCS':
      return {
        id: 'yaml/multiple-documents',
        place,
        what: 'a second document starts here (---)',
        why: 'a file holds one spec and the rest would be ignored',
        fix: 'move it to a file of its own',
      };
    default:
      return {
        id: 'yaml/syntax',
        place: { offset: openQuote(document, error.pos[0]) ?? error.pos[0] },
        what: `this is not YAML (${error.message.split('\n', 1)[0] ?? error.code})`,
        why: 'the text cannot be read beyond this place',
        fix: 'check quotes, brackets, colons and indentation here and in the line before',
      };
  }
}

/** A missing quote shows at the end of the text; the place to look is where that quote was opened. */
function openQuote(document: Document.Parsed, end: number): number | null {
  let start: number | null = null;
  visit(document, {
    Scalar(_key, { type, range }) {
      const isQuoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
      if (isQuoted && range !== undefined && range !== null && range[0] < end && range[1] >= end) start = range[0];
    },
  });
  return start;
}

function directives(document: Document.Parsed): Finding[] {
  const { explicit, version } = document.directives.yaml;
  if (explicit !== true || version === '1.2') return [];
  return [
    {
      id: 'yaml/directive',
      place: { offset: 0 },
      what: `the file asks for YAML ${version}`,
      why: 'in older YAML "on", "no" and 0777 mean something else than they say',
      fix: 'remove the %YAML line',
    },
  ];
}

function hiddenFeatures(document: Document.Parsed): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Node(_key, node) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node)) findings.push(anchor(offset, `the alias *${node.source} repeats another part of the file`));
      else if (node.anchor !== undefined)
        findings.push(anchor(offset, `the anchor &${node.anchor} marks a part to be repeated`));
      if (node.tag !== undefined) findings.push(tag(offset, node.tag));
    },
    Map(_key, { items }) {
      findings.push(...repeatedKeys(items));
    },
    Pair(_key, { key }) {
      if (isFieldKey(key)) return;
      const offset = isScalar(key) || isMap(key) || isSeq(key) ? (key.range?.[0] ?? 0) : 0;
      findings.push(
        isMergeKey(key) ? mergeKey(offset) : keyKind(offset, isScalar(key) ? key.value : 'a list or section'),
      );
    },
  });
  return findings;
}

function repeatedKeys(items: readonly Pair[]): Finding[] {
  const seen = new Set<unknown>();
  return items.flatMap(({ key }): Finding[] => {
    if (!isScalar(key)) return [];
    if (seen.has(key.value)) return [repeatedKey(key.range?.[0] ?? 0, key.value)];
    seen.add(key.value);
    return [];
  });
}

function repeatedKey(offset: number, key: unknown): Finding {
  return {
    id: 'yaml/duplicate-key',
    place: { offset },
    what: `the key ${showValue(key)} stands twice in this section`,
    why: 'one of the two values would be ignored silently',
    fix: 'remove one of them',
  };
}

function anchor(offset: number, what: string): Finding {
  return {
    id: 'yaml/anchor',
    place: { offset },
    what,
    why: 'whoever reads the spec must see each value where it is used',
    fix: 'write the values out',
  };
}

function tag(offset: number, name: string): Finding {
  return {
    id: 'yaml/tag',
    place: { offset },
    what: `the tag ${showValue(name)} changes the type of a value`,
    why: 'types come from the schema of the spec',
    fix: 'remove the tag; put text that looks like a number in quotes',
  };
}

function mergeKey(offset: number): Finding {
  return { ...anchor(offset, 'the merge key << takes fields from elsewhere'), id: 'yaml/merge-key' };
}

function keyKind(offset: number, key: unknown): Finding {
  const told = { id: 'yaml/key', place: { offset }, what: `${showValue(key)} is used as a key` };
  if (key === '__proto__') {
    return {
      ...told,
      why: 'programs do not take it for a name, and would lose what stands under it',
      fix: 'rename it',
    };
  }
  return { ...told, why: 'keys are names', fix: 'write the key as text, in quotes if it looks like a number' };
}

function topLevel(document: Document.Parsed, hasSyntaxFindings: boolean): Finding[] {
  const contents: Node | null = document.contents;
  if (hasSyntaxFindings || isMap(contents)) return [];
  const isBlank = contents === null || (isScalar(contents) && contents.value === null);
  return [
    {
      id: isBlank ? 'yaml/empty' : 'yaml/not-a-section',
      place: { offset: contents?.range?.[0] ?? 0 },
      what: isBlank ? 'the file is empty' : 'the file is not a list of fields (name: value)',
      why: 'a spec says what to train, with what and where',
      fix: 'start from temper init --recipe cpu-tiny',
    },
  ];
}
