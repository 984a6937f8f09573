import { lineAt, readSources } from './source-files.js';
import { isGlobalObject, isProcess, parseSource, propertyOf, walk } from './syntax.js';

/** Rule 4: one place knows which variables exist. A keeper has no configuration and hands its environment on. */
const ALLOWED = ['src/config.ts', 'src/host/keeper/environment.ts', 'src/host/keeper/spawn-command.ts'];

/**
 * Checks that `process.env` is read in the configuration only.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkEnvironmentAccess(root) {
  const files = readSources(root, ['src'], ['.ts']);
  const findings = files
    .filter(({ path }) => !ALLOWED.includes(path))
    .flatMap((file) => accessesIn(file).map((offset) => toFinding(file, offset)));
  return { looked: files.length, findings };
}

function accessesIn(file) {
  const offsets = [];
  walk(parseSource(file), (node) => {
    const isMember = node.type === 'MemberExpression' && isProcess(node.object);
    // What a computed name reads cannot be told.
    if (isMember && ['env', null].includes(propertyOf(node))) offsets.push(node.start);
    // `const { env } = process` and `import { env } from 'node:process'` read the same.
    const isTaken = node.type === 'VariableDeclarator' && (isProcess(node.init) || isGlobalObject(node.init));
    const isImport = node.type === 'ImportDeclaration' && /^(node:)?process$/.test(node.source.value);
    if (isTaken || isImport) offsets.push(node.start);
  });
  return offsets;
}

function toFinding({ path, text }, offset) {
  return {
    file: path,
    line: lineAt(text, offset),
    message: 'process.env is read in src/config.ts only; take the value as an argument',
  };
}
