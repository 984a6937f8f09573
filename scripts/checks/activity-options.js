import { lineAt, readSources } from './source-files.js';
import { parseSource, propertyOf, walk } from './syntax.js';

const PROXIES = ['proxyActivities', 'proxyLocalActivities'];
const TIMEOUTS = ['startToCloseTimeout', 'scheduleToCloseTimeout'];

/**
 * Checks that each proxy of activities says what happens on cancellation (the SDK's default does not wait for the
 * activity to end) and how long a try may take. Options must be readable where the proxy is made: an object literal,
 * which may spread an object literal or a function's returned object literal of the same file.
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
      uses.push({ offset: node.start, names: optionNames(node.arguments[0], values) });
    }
    const isMention = (node.type === 'Identifier' && names.has(node.name)) || PROXIES.includes(node.value);
    if (isMention && !seen.has(node)) uses.push({ offset: node.start, names: 'not called' });
  });
  return uses;
}

/** What the proxy functions are called in a file: an import may rename them. */
function localNames(program) {
  const names = new Set(PROXIES);
  walk(program, (node) => {
    const imported = node.imported?.name ?? node.imported?.value;
    if (node.type === 'ImportSpecifier' && PROXIES.includes(imported)) names.add(node.local.name);
  });
  return names;
}

/** Variables by their value, functions by the object they return. */
function namedValues(program) {
  const values = new Map();
  walk(program, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') values.set(node.id.name, node.init);
    if (node.type === 'FunctionDeclaration') values.set(node.id.name, returned(node.body));
  });
  return values;
}

function returned(body) {
  return body.body.find((one) => one.type === 'ReturnStatement')?.argument;
}

function optionNames(node, values) {
  switch (node?.type) {
    case 'ObjectExpression': {
      const parts = node.properties.map((one) =>
        one.type === 'SpreadElement' ? optionNames(one.argument, values) : new Set([one.key.name ?? one.key.value]),
      );
      return parts.some((one) => one === null) ? null : new Set(parts.flatMap((one) => [...one]));
    }
    case 'Identifier':
      return optionNames(values.get(node.name), values);
    case 'CallExpression':
      return optionNames(values.get(node.callee.name), values);
    case 'ArrowFunctionExpression':
      return optionNames(node.expression ? node.body : returned(node.body), values);
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'ParenthesizedExpression':
      return optionNames(node.expression, values);
    default:
      return null;
  }
}
