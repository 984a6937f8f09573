import { lineAt, readSources } from './source-files.js';
import { parseSource, walk } from './syntax.js';

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
  if (names === null) return ['the options of this proxy cannot be read here: write an object literal'];
  return [
    ...(names.has('cancellationType')
      ? []
      : ['this proxy sets no cancellationType; the default does not wait for the activity to end']),
    ...(TIMEOUTS.some((one) => names.has(one)) ? [] : [`this proxy sets no timeout (${TIMEOUTS.join(' or ')})`]),
  ];
}

/** Calls of a proxy function with the names of the options they set; null when these cannot be told. */
function proxiesIn(file) {
  const program = parseSource(file);
  const values = namedValues(program);
  const calls = [];
  walk(program, (node) => {
    if (node.type !== 'CallExpression' || !PROXIES.includes(node.callee.name)) return;
    calls.push({ offset: node.start, names: optionNames(node.arguments[0], values) });
  });
  return calls;
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
