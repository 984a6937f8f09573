import type { DataExample, DataProblem } from '../../schemas/data.js';
import { DATA_RULES } from './rules.js';
import type { DataRuleId, Finding } from './rules.js';

// Five show a pattern; the count tells the rest.
const EXAMPLES_PER_RULE = 5;

/** Counts findings by rule and keeps the first five of each as examples. */
export class Tally {
  readonly #byRule = new Map<DataRuleId, { count: number; examples: DataExample[] }>();

  /** Adds one finding; `row` is its index from 0, or null for the file as a whole. */
  add(row: number | null, finding: Finding): void {
    const entry = this.#byRule.get(finding.rule) ?? { count: 0, examples: [] };
    entry.count += 1;
    if (entry.examples.length < EXAMPLES_PER_RULE)
      entry.examples.push({ row, where: finding.where, what: finding.what });
    this.#byRule.set(finding.rule, entry);
  }

  /** All findings as problems: errors first, then by count, then by id. */
  problems(): DataProblem[] {
    return [...this.#byRule]
      .map(([id, { count, examples }]) => ({ id, ...DATA_RULES[id], count, examples: [...examples] }))
      .sort((a, b) => a.severity.localeCompare(b.severity) || b.count - a.count || a.id.localeCompare(b.id));
  }
}
