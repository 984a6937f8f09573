import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { DataSource } from '../../schemas/spec-data.js';
import type { Command, StageFacts, StageWork } from '../recipe.js';
import { program } from './command.js';
import { worldBatch } from '../stage-drafts.js';

/** Makes the synthetic data sets and checks all of them. */
export function dataWork(facts: StageFacts): StageWork {
  const sets = facts.spec.data.map((set) => prepare(facts, set));
  const heldOut = sets.find((set) => set.heldOut !== undefined)?.heldOut;
  return {
    files: [],
    commands: sets.flatMap(({ commands }) => commands),
    checks: [],
    // Several files are joined by commas, as upstream takes them.
    outputs: { rows: sets.map(({ rows }) => rows).join(','), ...(heldOut === undefined ? {} : { heldOut }) },
    factFiles: facts.spec.data.map(reportName),
    facts: countRows,
  };
}

interface PreparedSet {
  readonly commands: readonly Command[];
  readonly rows: string;
  readonly heldOut?: string;
}

function prepare(facts: StageFacts, set: DataSource): PreparedSet {
  if (set.format !== 'synthetic') return { commands: [check(facts, set, set.annotations)], rows: set.annotations };
  const folder = join(facts.out, set.name);
  const rows = join(folder, 'rows.json');
  const sizes = ['--rows', String(set.rows), '--heldout-rows', String(set.heldOutRows)];
  const make = program(facts, `make-${set.name}`, 'make-data.mjs', [
    '--output',
    folder,
    '--seed',
    String(set.seed),
    ...sizes,
  ]);
  return {
    commands: [make, check(facts, set, rows)],
    rows,
    ...(set.heldOutRows === 0 ? {} : { heldOut: join(folder, 'heldout.json') }),
  };
}

/** Temper's own check, under a keeper like any other work. */
function check({ tools, out, spec }: StageFacts, set: DataSource, file: string): Command {
  const images = set.format === 'synthetic' ? undefined : set.images?.path;
  // Without a folder every image of a row is missing: an image that is no source of the key is not trained on.
  const limits = ['--sequence-length', String(spec.train.sequenceLength), '--world-batch', String(worldBatch(spec))];
  return {
    step: `check-${set.name}`,
    argv: [
      ...[tools.node, tools.temper, 'data', 'check', file, ...limits],
      ...[...(images === undefined ? [] : ['--images', images]), '--report', join(out, reportName(set))],
    ],
    cwd: out,
    env: {},
  };
}

function reportName({ name }: DataSource): string {
  return `check.${name}.json`;
}

const CheckReportSchema = z.looseObject({ rows: z.number() });

function countRows(reports: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  const parsed = z.array(CheckReportSchema).safeParse(reports);
  if (parsed.success) return { facts: { rows: parsed.data.reduce((sum, { rows }) => sum + rows, 0) }, problems: [] };
  return {
    facts: {},
    problems: [problem('ProofFailed', { what: 'a data report has an unknown form', why: parsed.error.message })],
  };
}
