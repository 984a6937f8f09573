import { parseArgs } from 'node:util';
import { BadInput } from './program-errors.mjs';

/**
 * How one argument is read: `text`, a `number`, a `flag`, with a default or `required`.
 * @typedef {{ type: 'text' | 'number' | 'flag', required?: boolean, default?: string | number }} ArgumentRule
 */

/**
 * Reads `--name value` arguments by a table of rules; names keep their dashes.
 * @param {readonly string[]} argv
 * @param {Readonly<Record<string, ArgumentRule>>} rules
 * @param {string} program name for the message
 * @returns {Record<string, any>} a value for each rule; null for a text or number that was not given
 * @throws BadInput in the words of Python's argparse
 */
export function parseCommandLine(argv, rules, program) {
  const options = Object.fromEntries(
    Object.entries(rules).map(([name, { type }]) => [name, { type: type === 'flag' ? 'boolean' : 'string' }]),
  );
  const { values, tokens } = parseLoosely(argv, options);
  const unknown = tokens.filter((one) => one.kind === 'positional' || (one.kind === 'option' && !(one.name in rules)));
  if (unknown.length > 0) {
    throw new BadInput(
      `${program}: unrecognized arguments: ${unknown.map((one) => one.rawName ?? one.value).join(' ')}`,
    );
  }
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, readValue(name, rule, values[name], program)]),
  );
}

function parseLoosely(argv, options) {
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
}

function readValue(name, { type, required = false, default: fallback = null }, value, program) {
  if (type === 'flag') return value === true;
  if (value === undefined) {
    if (required) throw new BadInput(`${program}: the following arguments are required: --${name}`);
    return fallback;
  }
  if (typeof value !== 'string') throw new BadInput(`${program}: argument --${name}: expected one argument`);
  if (type === 'text') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) {
    throw new BadInput(`${program}: argument --${name}: invalid number value: '${value}'`);
  }
  return number;
}
