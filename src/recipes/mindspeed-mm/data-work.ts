import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { DataSource } from '../../schemas/spec-data.js';
import { fetchAnnotations, fetchImages } from '../fetch-commands.js';
import type { Command, StageFacts, StageWork } from '../recipe.js';
import { temper } from './commands.js';
import { worldBatch } from './stages.js';

/** Rows that leave the converter name images by their whole path, so that data sets with different folders mix. */
const ROOT = '/';

/** Fetches, converts and checks the data sets (guide, chapter 3). */
export function dataWork(facts: StageFacts): StageWork {
  const sets = facts.spec.data.flatMap((set) => (set.format === 'synthetic' ? [] : [prepare(facts, set)]));
  return {
    files: [],
    commands: sets.flatMap(({ commands }) => commands),
    checks: [],
    outputs: {
      // Upstream takes several files joined by commas, without spaces.
      rows: sets.map(({ file }) => file).join(','),
      imageRoot: sets.find(({ imageRoot }) => imageRoot !== ROOT)?.imageRoot ?? ROOT,
    },
    factFiles: sets.map(({ report }) => report),
    facts: countRows,
  };
}

interface PreparedSet {
  readonly commands: readonly Command[];
  readonly file: string;
  readonly imageRoot: string;
  readonly report: string;
}

type ReadSet = Exclude<DataSource, { format: 'synthetic' }>;

function prepare(facts: StageFacts, set: ReadSet): PreparedSet {
  const report = `check-${set.name}.json`;
  const rows = fetchAnnotations(facts, set);
  const images = fetchImages(facts, set);
  const fetching = [...rows.commands, ...(images?.commands ?? [])];
  if (set.format === 'mllm') {
    const imageRoot = images?.path ?? ROOT;
    const checking = check(facts, set, rows.path, imageRoot, report);
    return { commands: [...fetching, checking], file: rows.path, imageRoot, report };
  }
  const file = join(facts.out, `${set.name}.json`);
  return {
    commands: [...fetching, convert(facts, set, rows.path, images?.path, file), check(facts, set, file, ROOT, report)],
    file,
    imageRoot: ROOT,
    report,
  };
}

function convert(
  facts: StageFacts,
  { name, maxDropped, maxSamples }: Extract<DataSource, { format: 'llava' }>,
  annotations: string,
  images: string | undefined,
  output: string,
): Command {
  return temper(facts, `convert-${name}`, [
    ...['data', 'convert', '--format', 'llava', '--annotations', annotations, '--output', output],
    // The dot keeps the converter's own names relative; the loader joins them to the root.
    ...(images === undefined ? [] : ['--images', images, '--media-prefix', `.${images}`]),
    ...['--max-dropped', maxDropped],
    ...(maxSamples === undefined ? [] : ['--max-samples', String(maxSamples)]),
  ]);
}

function check(facts: StageFacts, set: ReadSet, file: string, images: string, report: string): Command {
  return temper(facts, `check-${set.name}`, [
    ...['data', 'check', file, '--images', images, '--sequence-length', String(facts.spec.train.sequenceLength)],
    ...['--world-batch', String(worldBatch(facts.spec)), '--report', join(facts.out, report)],
  ]);
}

const CheckReportSchema = z.looseObject({ rows: z.number(), textOnly: z.number(), distinctImages: z.number() });

function countRows(reports: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  const parsed = z.array(CheckReportSchema).safeParse(reports);
  if (!parsed.success) {
    const why = parsed.error.message;
    return { facts: {}, problems: [problem('ProofFailed', { what: 'a data report has an unknown form', why })] };
  }
  const total = (key: 'rows' | 'textOnly' | 'distinctImages'): number =>
    parsed.data.reduce((sum, report) => sum + report[key], 0);
  return {
    facts: { rows: total('rows'), textOnly: total('textOnly'), images: total('distinctImages') },
    problems: [],
  };
}
