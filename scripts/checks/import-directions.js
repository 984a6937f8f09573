import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { EXCEPTIONS, LAYERS, MACHINE_MODULES, MACHINE_USERS, PACKAGES, PURE_LAYERS, SPAWNERS } from './layers.js';
import { lineAt, readSources } from './source-files.js';
import { importsOf } from './syntax.js';

/**
 * Checks that imports go one way.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }}
 */
export function checkImportDirections(root) {
  const files = readSources(root, ['src'], ['.ts']).map((file) => ({ ...file, imports: importsOf(file) }));
  const sandboxed = reachedByWorkflows(files);
  const findings = files.flatMap(({ path, text, imports }) =>
    imports.flatMap((one) => {
      const problem = judge(path, one, sandboxed.has(path));
      return problem === null ? [] : [{ file: path, line: lineAt(text, one.offset), message: problem }];
    }),
  );
  return { looked: files.length, findings };
}

/** Files whose code ends up in the workflow bundle: the workflows and all that they import as values. */
function reachedByWorkflows(files) {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set();
  const visit = (path) => {
    if (reached.has(path) || !byPath.has(path)) return;
    reached.add(path);
    for (const { specifier, isType } of byPath.get(path).imports) {
      if (!isType && specifier?.startsWith('.')) visit(resolveFrom(path, specifier));
    }
  };
  for (const { path } of files) if (layerOf(path) === 'workflows') visit(path);
  return reached;
}

function judge(path, found, isSandboxed) {
  if (found.specifier === null) return 'name the module of import() as a plain text: nobody can tell what this loads';
  if (found.specifier.startsWith('.')) return judgeInternal(path, found);
  if (isBuiltin(found.specifier)) return judgeBuiltin(path, found.specifier, isSandboxed);
  return judgePackage(path, found);
}

function judgeInternal(path, { specifier, isType }) {
  if (!specifier.endsWith('.js')) return `"${specifier}" must end in .js, as Node resolves it`;
  const from = layerOf(path);
  const to = layerOf(resolveFrom(path, specifier));
  const rules = LAYERS[from];
  if (rules === undefined) return `${from} is no known layer: name it in scripts/checks/layers.js`;
  if (from === to || rules.values.includes(to)) return null;
  if (isType && rules.types.includes(to)) return null;
  if (EXCEPTIONS.some((one) => path.startsWith(one.path) && one.values.includes(to))) return null;
  const may = rules.types.includes(to) ? `only types of ${to}` : `nothing of ${to}`;
  return `${from} imports ${may} (${specifier})`;
}

function judgePackage(path, { specifier, isType }) {
  const name = Object.keys(PACKAGES).find((one) => specifier === one || specifier.startsWith(`${one}/`));
  const layer = layerOf(path);
  if (layer === 'workflows' && !isType && name !== '@temporalio/workflow') {
    return `workflows import values only from @temporalio/workflow and domain, not from ${specifier}`;
  }
  if (name === undefined || isType || PACKAGES[name].some((one) => path.startsWith(one))) return null;
  return `${specifier} may be imported only by ${PACKAGES[name].join(', ') || 'tests'}`;
}

function judgeBuiltin(path, specifier, isSandboxed) {
  const layer = layerOf(path);
  const name = specifier.replace(/^node:/, '').split('/')[0];
  if (!specifier.startsWith('node:')) return `write node:${specifier}`;
  if (isSandboxed) return `this file is part of the workflow bundle, and the sandbox has no ${specifier}`;
  if (PURE_LAYERS.includes(layer) && MACHINE_MODULES.includes(name))
    return `${layer} does not touch the machine (${specifier}); host does`;
  if (MACHINE_MODULES.includes(name) && !MACHINE_USERS.some((one) => path.startsWith(one)))
    return `only host touches the machine (${specifier}); exceptions stand in scripts/checks/layers.js`;
  if (name === 'child_process' && !SPAWNERS.some((one) => path.startsWith(one)))
    return `only ${SPAWNERS.join(' and ')} start processes`;
  return null;
}

/** Path of the source file that a relative import names. */
function resolveFrom(path, specifier) {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** "src/host/keeper/lock.ts" -> "host", "src/config.ts" -> "config". */
function layerOf(path) {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}
