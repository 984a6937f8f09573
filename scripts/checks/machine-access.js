import { SPAWNERS } from './layers.js';
import { lineAt, readSources } from './source-files.js';
import { isProcess, parseSource, propertyOf, walk } from './syntax.js';

/** Functions of `process` that load modules or code past the imports, which is where the directions are checked. */
const LOADERS = ['binding', 'dlopen', 'getBuiltinModule'];

/** Functions of `process` that end processes. */
const KILLERS = ['_debugProcess', 'abort', 'kill'];

/**
 * Checks that nobody reaches the machine through `process` instead of an import.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkMachineAccess(root) {
  const files = readSources(root, ['src'], ['.ts']);
  return { looked: files.length, findings: files.flatMap(findAccesses) };
}

function findAccesses(file) {
  const findings = [];
  walk(parseSource(file), (node) => {
    if (node.type !== 'MemberExpression' || !isProcess(node.object)) return;
    const message = judge(file.path, propertyOf(node));
    if (message !== null) findings.push({ file: file.path, line: lineAt(file.text, node.start), message });
  });
  return findings;
}

function judge(path, name) {
  if (LOADERS.includes(name)) return `process.${name} loads past the imports: import what is needed`;
  if (KILLERS.includes(name) && !SPAWNERS.some((one) => path.startsWith(one)))
    return `only ${SPAWNERS.join(' and ')} end processes (process.${name})`;
  return null;
}
