import { lineAt, readSources } from './source-files.js';
import { parseSource, propertyOf, walk } from './syntax.js';

/** Functions of the SDK that take options of activities, by the place of the options among their arguments. */
const OPTIONS_AT = new Map([
  ['proxyActivities', 0],
  ['proxyLocalActivities', 0],
  ['scheduleActivity', 2],
  ['scheduleLocalActivity', 2],
  ['executeWithOptions', 0],
]);
const PROXIES = [...OPTIONS_AT.keys()];
const TIMEOUTS = ['startToCloseTimeout', 'scheduleToCloseTimeout'];

/**
 * Checks that each proxy of activities, and each call past one, says what happens on cancellation (the SDK's default does not wait for the
 * activity to end) and how long a try may take. Options must be readable where the proxy is made: an object literal,
 * which may spread an object literal or a function's returned object literals of the same file. What is undefined, or
 * missing in one of several returns, is not set.
 * @param {string} root
 * @returns {{ looked: number, findings: readonly import('./source-files.js').Finding[] }} looked counts proxies
 */
export function checkActivityOptions(root) {
  const files = readSources(root, ['src/workflows'], ['.ts']);
  const proxies = files.flatMap((file) => proxiesIn(file).map((call) => ({ file, ...call })));
  if (proxies.length === 0) throw new Error(`no call of ${PROXIES.join(' or ')} under src/workflows of ${root}`);
  const findings = proxies.flatMap(({ file, offset, names }) =>
    missingIn(names).map((message) => ({ file: file.path, line: lineAt(file.text, offset), message })),
  );
  return { looked: proxies.length, findings };
}

function missingIn(names) {
  if (names === 'not called') return ['call it where its options stand, rather than hand it on'];
  if (names === null) return ['the options of this proxy cannot be read here: write an object literal'];
  return [
    ...(names.has('cancellationType')
      ? []
      : ['this proxy sets no cancellationType; the default does not wait for the activity to end']),
    ...(TIMEOUTS.some((one) => names.has(one)) ? [] : [`this proxy sets no timeout (${TIMEOUTS.join(' or ')})`]),
  ];
}

/** Uses of a proxy function with the names of the options they set; null when these cannot be told. */
function proxiesIn(file) {
  const program = parseSource(file);
  const values = namedValues(program);
  const names = localNames(program);
  const seen = new Set();
  const uses = [];
  walk(program, (node) => {
    if (node.type === 'ImportDeclaration') walk(node, (below) => seen.add(below));
    if (node.type === 'CallExpression') {
      const { callee } = node;
      const isMember = callee.type === 'MemberExpression' && PROXIES.includes(propertyOf(callee));
      if (!isMember && !names.has(callee.name)) return;
      seen.add(isMember ? callee.property : callee);
      const at = OPTIONS_AT.get(isMember ? propertyOf(callee) : names.get(callee.name));
      uses.push({ offset: node.start, names: optionNames(node.arguments[at], values) });
    }
    const isMention = (node.type === 'Identifier' && names.has(node.name)) || PROXIES.includes(node.value);
    if (isMention && !seen.has(node)) uses.push({ offset: node.start, names: 'not called' });
  });
  return uses;
}

/** What the functions are called in a file, with their own names: an import may rename them. */
function localNames(program) {
  const names = new Map(PROXIES.map((name) => [name, name]));
  walk(program, (node) => {
    const imported = node.imported?.name ?? node.imported?.value;
    if (node.type === 'ImportSpecifier' && PROXIES.includes(imported)) names.set(node.local.name, imported);
  });
  return names;
}

/** Variables by their value, functions by themselves. */
function namedValues(program) {
  const values = new Map();
  walk(program, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') values.set(node.id.name, node.init);
    if (node.type === 'FunctionDeclaration') values.set(node.id.name, node);
  });
  return values;
}

/** Names that every return of a function sets; null when one cannot be read, or there is none. */
function returnedNames(body, values) {
  const sets = returnsIn(body).map(({ argument }) => optionNames(argument, values));
  const [first] = sets;
  if (first === undefined || sets.includes(null)) return null;
  return new Set([...first].filter((name) => sets.every((one) => one.has(name))));
}

/** Return statements of a function itself, not of the functions in it. */
function returnsIn(body) {
  const inner = new Set();
  const found = [];
  walk(body, (node) => {
    if (/Function/.test(node.type)) walk(node, (below) => inner.add(below));
    if (node.type === 'ReturnStatement') found.push(node);
  });
  return found.filter((node) => !inner.has(node));
}

function isUndefined(node) {
  return (
    (node.type === 'Identifier' && node.name === 'undefined') ||
    (node.type === 'UnaryExpression' && node.operator === 'void')
  );
}

function optionNames(node, values) {
  switch (node?.type) {
    case 'ObjectExpression': {
      const set = new Set();
      for (const one of node.properties) {
        const spread = one.type === 'SpreadElement' ? optionNames(one.argument, values) : [];
        if (spread === null) return null;
        for (const name of spread) set.add(name);
        if (one.type === 'SpreadElement') continue;
        const name = one.key.name ?? one.key.value;
        // It would also undo what was spread before it.
        if (isUndefined(one.value)) set.delete(name);
        else set.add(name);
      }
      return set;
    }
    case 'Identifier':
      return optionNames(values.get(node.name), values);
    case 'CallExpression':
      return optionNames(values.get(node.callee.name), values);
    case 'ArrowFunctionExpression':
      return node.expression ? optionNames(node.body, values) : returnedNames(node.body, values);
    case 'FunctionDeclaration':
      return returnedNames(node.body, values);
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'ParenthesizedExpression':
      return optionNames(node.expression, values);
    default:
      return null;
  }
}
