import type { Metrics } from '../../schemas/retrain.js';

/** Numbers that a rule may name: those of the candidate bare, those of the current model behind `promoted.`. */
export interface GateFacts {
  readonly candidate: Metrics;
  /** Null while nothing was promoted: rules about it hold then, if what they name of the candidate was measured. */
  readonly promoted: Metrics | null;
}

/** Whether a model may be promoted. */
export interface GateVerdict {
  readonly isPassed: boolean;
  /** One sentence per rule, with the numbers. */
  readonly reasons: readonly string[];
}

/** Decides whether a candidate may replace the current model: every rule must hold. */
export function judge(rules: readonly string[], facts: GateFacts): GateVerdict {
  const outcomes = rules.map((rule) => judgeRule(rule, facts));
  return { isPassed: outcomes.every(({ holds }) => holds), reasons: outcomes.map(({ reason }) => reason) };
}

/** What is wrong with the text of a rule, or null. */
export function checkRule(rule: string): string | null {
  try {
    parseRule(rule);
    return null;
  } catch (error) {
    if (error instanceof GateSyntax) return error.message;
    throw error;
  }
}

/** Names that a rule uses, such as `evalLoss` and `promoted.evalLoss`. */
export function namesOf(rule: string): string[] {
  const names = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === 'name') names.add(node.name);
    if (node.kind === 'negative') visit(node.of);
    if (node.kind === 'binary') for (const side of [node.left, node.right]) visit(side);
  };
  const { left, right } = parseRule(rule);
  for (const side of [left, right]) visit(side);
  return [...names];
}

type Comparison = '<=' | '<' | '>=' | '>' | '==' | '!=';
type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'negative'; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: '+' | '-' | '*' | '/';
      readonly left: Expression;
      readonly right: Expression;
    };
interface Rule {
  readonly comparison: Comparison;
  readonly left: Expression;
  readonly right: Expression;
}

class GateSyntax extends Error {}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z]\w*(?:\.[A-Za-z]\w*)?)|(<=|>=|==|!=|[<>+\-*/()]))/y;
const COMPARISONS: readonly string[] = ['<=', '<', '>=', '>', '==', '!='] satisfies Comparison[];
/** Rules are one line; a longer one is a mistake, and depth costs stack. */
const MOST_TOKENS = 200;

function judgeRule(rule: string, { candidate, promoted }: GateFacts): { holds: boolean; reason: string } {
  const { comparison, left, right } = parseRule(rule);
  const names = namesOf(rule);
  const look = (name: string): number | undefined => {
    const isPromoted = name.startsWith('promoted.');
    const metrics = isPromoted ? (promoted ?? {}) : candidate;
    const key = isPromoted ? name.slice('promoted.'.length) : name;
    return Object.hasOwn(metrics, key) ? metrics[key] : undefined;
  };
  const unknown = names.filter((name) => look(name) === undefined);
  // Of the candidate first: a first model that nothing was measured of would be current, and no other one could beat it.
  const missing = unknown.find((name) => !name.startsWith('promoted.')) ?? unknown[0];
  if (missing?.startsWith('promoted.') === true && promoted === null)
    return { holds: true, reason: `${rule}: holds, because there is no promoted model yet` };
  if (missing !== undefined) return { holds: false, reason: `${rule}: ${missing} was not measured` };
  const [a, b] = [left, right].map((side) => compute(side, (name) => look(name) ?? Number.NaN));
  if (a === undefined || b === undefined || Number.isNaN(a) || Number.isNaN(b))
    return { holds: false, reason: `${rule}: one side is not a number` };
  const holds = compare(comparison, a, b);
  const numbers = names.map((name) => `${name} = ${show(look(name) ?? Number.NaN)}`).join(', ');
  return { holds, reason: `${rule}: ${holds ? 'holds' : 'does not hold'} (${numbers})` };
}

function compare(comparison: Comparison, a: number, b: number): boolean {
  switch (comparison) {
    case '<=':
      return a <= b;
    case '<':
      return a < b;
    case '>=':
      return a >= b;
    case '>':
      return a > b;
    case '==':
      return a === b;
    default:
      return a !== b;
  }
}

function compute(node: Expression, look: (name: string) => number): number {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'name':
      return look(node.name);
    case 'negative':
      return -compute(node.of, look);
    default: {
      const [left, right] = [compute(node.left, look), compute(node.right, look)];
      if (node.operator === '+') return left + right;
      if (node.operator === '-') return left - right;
      return node.operator === '*' ? left * right : left / right;
    }
  }
}

/** rule = sum comparison sum; sum = product {(+|-) product}; product = factor {(*|/) factor}; factor = [-] atom. */
function parseRule(text: string): Rule {
  const tokens = tokenize(text);
  let position = 0;
  const peek = (): string | undefined => tokens[position];
  const factor = (): Expression => {
    const token = tokens[position];
    position += 1;
    if (token === undefined) throw new GateSyntax(`"${text}" ends too early`);
    if (token === '-') return { kind: 'negative', of: factor() };
    if (token === '(') {
      const inner = sum();
      if (tokens[position] !== ')') throw new GateSyntax(`"${text}" has no closing bracket`);
      position += 1;
      return inner;
    }
    if (/^\d/.test(token)) return { kind: 'number', value: Number(token) };
    if (/^[A-Za-z]/.test(token)) return { kind: 'name', name: checkName(token) };
    throw new GateSyntax(`"${token}" in "${text}" stands where a number or a name belongs`);
  };
  const chain = (operators: readonly string[], next: () => Expression): Expression => {
    let left = next();
    for (let token = peek(); token !== undefined && operators.includes(token); token = peek()) {
      position += 1;
      // Safe: the list holds these operators only.
      left = { kind: 'binary', operator: token as '+' | '-' | '*' | '/', left, right: next() };
    }
    return left;
  };
  const product = (): Expression => chain(['*', '/'], factor);
  const sum = (): Expression => chain(['+', '-'], product);
  const left = sum();
  const comparison = tokens[position];
  if (comparison === undefined || !COMPARISONS.includes(comparison))
    throw new GateSyntax(
      `"${text}" compares nothing; a rule is a comparison such as evalLoss <= promoted.evalLoss * 1.01`,
    );
  position += 1;
  const right = sum();
  if (position < tokens.length) throw new GateSyntax(`"${tokens[position]}" in "${text}" is one too many`);
  // Safe: it is in the list of comparisons.
  return { comparison: comparison as Comparison, left, right };
}

function checkName(name: string): string {
  const [first, second] = name.split('.');
  if (second !== undefined && first !== 'promoted')
    throw new GateSyntax(`${name}: only promoted. may stand before a name`);
  if (name === 'promoted') throw new GateSyntax('promoted needs a name behind it, such as promoted.evalLoss');
  return name;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null)
      throw new GateSyntax(`"${text}" cannot be read from "${text.slice(at).trim().slice(0, 20)}" on`);
    tokens.push(match[1] ?? match[2] ?? match[3] ?? '');
    if (tokens.length > MOST_TOKENS) throw new GateSyntax(`a rule has at most ${MOST_TOKENS} words and signs`);
  }
  return tokens;
}

function show(value: number): string {
  return String(Number(value.toPrecision(6)));
}
