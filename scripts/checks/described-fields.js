import { lineAt, readSources } from './source-files.js';
import { parseSource, walk } from './syntax.js';

const OBJECTS = ['object', 'looseObject', 'strictObject'];

/**
 * Checks rule 6: each field of a schema says by `.describe('...')` what it means. A field that is a named schema may
 * leave that to the schema, and one that can only have one value says everything by it.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkDescribedFields(root) {
  const files = readSources(root, ['src/schemas'], ['.ts']).map((file) => ({ ...file, tree: parseSource(file) }));
  const named = new Map(files.flatMap(({ tree }) => constantsOf(tree)));
  const findings = files.flatMap((file) => undescribedIn(file, named));
  return { looked: files.length, findings };
}

function constantsOf(tree) {
  return tree.body
    .flatMap((node) => (node.type === 'ExportNamedDeclaration' ? (node.declaration ?? []) : node))
    .flatMap(({ declarations }) => declarations ?? [])
    .map(({ id, init }) => [id.name, init]);
}

function undescribedIn({ path, text, tree }, named) {
  const findings = [];
  walk(tree, (node) => {
    if (!isObjectSchema(node)) return;
    for (const { type, key, value } of node.arguments[0]?.properties ?? []) {
      if (type !== 'Property' || isDescribed(value, named)) continue;
      const field = key.name ?? key.value;
      findings.push({
        file: path,
        line: lineAt(text, key.start),
        message: `describe the field ${field}, with its unit`,
      });
    }
  });
  return findings;
}

/** `z.object({...})` and its like, or `XSchema.extend({...})`. */
function isObjectSchema({ type, callee }) {
  if (type !== 'CallExpression' || callee.type !== 'MemberExpression') return false;
  const { object, property } = callee;
  return object.name === 'z' ? OBJECTS.includes(property.name) : property.name === 'extend';
}

function isDescribed(node, named) {
  if (node === undefined || node === null) return false;
  if (node.type === 'Identifier') return isDescribed(named.get(node.name), named);
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  const { object, property } = node.callee;
  if (property.name === 'describe') return node.arguments[0] !== undefined;
  return (object.name === 'z' && property.name === 'literal') || isDescribed(object, named);
}
