import { lineAt, readSources } from './source-files.js';
import { parseSource } from './syntax.js';

/**
 * Checks rule 10: a sentence of TSDoc stands before each export. A type that is inferred from the schema beside it
 * shares the schema's sentence, and the barrels only pass on.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkDocumentedExports(root) {
  const files = readSources(root, ['src'], ['.ts']);
  return { looked: files.length, findings: files.flatMap(undocumentedIn) };
}

function undocumentedIn(file) {
  return parseSource(file)
    .body.filter(({ type, declaration }) => type === 'ExportNamedDeclaration' && declaration)
    .filter((node) => !isInferred(node.declaration) && !isDocumented(file.text.slice(0, node.start)))
    .map(({ start, declaration }) => ({
      file: file.path,
      line: lineAt(file.text, start),
      message: `say in one sentence of TSDoc what ${nameOf(declaration)} is for`,
    }));
}

/** `type X = z.infer<typeof XSchema>`. */
function isInferred({ type, typeAnnotation }) {
  return type === 'TSTypeAliasDeclaration' && /^(infer|input)$/.test(typeAnnotation.typeName?.right?.name ?? '');
}

function isDocumented(before) {
  // A reason why a cast is safe may stand between.
  const comment = /\/\*\*(?:(?!\*\/)[^])*\*\/\s*(?:\/\/.*\s+)*$/.exec(before)?.[0] ?? '';
  return /\w/.test(comment);
}

function nameOf(declaration) {
  return declaration.id?.name ?? declaration.declarations[0].id.name ?? 'this export';
}
