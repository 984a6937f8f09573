import { parseAst } from 'rolldown/parseAst';

/**
 * Parses a TypeScript or JavaScript file; throws with its name when it does not parse.
 * @param {import('./source-files.js').SourceFile} file
 */
export function parseSource({ path, text }) {
  try {
    return parseAst(text, { lang: path.endsWith('.ts') ? 'ts' : 'js' }, path);
  } catch (error) {
    throw new Error(`${path} does not parse: ${error.message}`, { cause: error });
  }
}

/**
 * Calls `visit` for a node and all below it.
 * @param {unknown} node
 * @param {(node: any) => void} visit
 */
export function walk(node, visit) {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit);
  } else if (typeof node === 'object' && node !== null) {
    if (typeof node.type === 'string') visit(node);
    for (const value of Object.values(node)) walk(value, visit);
  }
}

/**
 * All modules that a file names: `import`, `export ... from`, `import()` and `import('...')` types.
 * The specifier is null when it is computed.
 * @param {import('./source-files.js').SourceFile} file
 * @returns {readonly { specifier: string | null, isType: boolean, offset: number }[]}
 */
export function importsOf(file) {
  const found = [];
  walk(parseSource(file), (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        found.push({ specifier: node.source.value, isType: isTypeOnly(node, node.importKind), offset: node.start });
        break;
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node.source) {
          found.push({ specifier: node.source.value, isType: isTypeOnly(node, node.exportKind), offset: node.start });
        }
        break;
      case 'ImportExpression':
        found.push({ specifier: textOf(node.source), isType: false, offset: node.start });
        break;
      case 'TSImportType':
        found.push({ specifier: (node.source ?? node.argument.literal).value, isType: true, offset: node.start });
        break;
      default:
    }
  });
  return found;
}

/**
 * The text that an expression stands for; null when it is computed.
 * @param {any} node
 * @returns {string | null}
 */
export function textOf(node) {
  if (typeof node.value === 'string') return node.value;
  return node.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0].value.cooked : null;
}

/**
 * Name of the property that a member expression reads; null when it is computed.
 * @param {any} node
 * @returns {string | null}
 */
export function propertyOf(node) {
  return node.computed ? textOf(node.property) : node.property.name;
}

/**
 * Whether an expression is Node's `process`, by its own name or as a property of the global object.
 * @param {any} node
 */
export function isProcess(node) {
  if (node?.type === 'Identifier') return node.name === 'process';
  return node?.type === 'MemberExpression' && isGlobalObject(node.object) && propertyOf(node) === 'process';
}

/**
 * Whether an expression is the global object.
 * @param {any} node
 */
export function isGlobalObject(node) {
  return node?.type === 'Identifier' && ['globalThis', 'global'].includes(node.name);
}

/** `import type ...`, or every name in the braces is marked `type`. */
function isTypeOnly({ specifiers = [] }, kind) {
  const kinds = specifiers.map((one) => one.importKind ?? one.exportKind);
  return kind === 'type' || (kinds.length > 0 && kinds.every((one) => one === 'type'));
}
