import { join } from 'node:path';
import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { DataSource } from '../../schemas/spec-data.js';
import type { Command, StageFacts, StageWork } from '../recipe.js';
import { OFFLINE, python } from './python-command.js';
import { givenModel, worldBatch } from '../stage-drafts.js';

/** Rows that leave the converter name images by their whole path, so that data sets with different folders mix. */
const ROOT = '/';

/** Image token of the tiny tokenizer: in a text it would stand for an image that is not there. */
const RESERVED = ['--reserved-token', '<|image|>'];

/** Makes, converts and checks the data sets. */
export function dataWork(facts: StageFacts): StageWork {
  const sets = facts.spec.data.map((set) => prepare(facts, set));
  const heldOut = sets.find(({ questions }) => questions !== undefined);
  return {
    files: [],
    commands: sets.flatMap(({ commands }) => commands),
    checks: [],
    outputs: {
      // The training program takes several files as upstream does: joined by commas, without spaces.
      rows: sets.map(({ file }) => file).join(','),
      imageRoot: sets.find(({ imageRoot }) => imageRoot !== ROOT)?.imageRoot ?? ROOT,
      ...(heldOut?.questions === undefined
        ? {}
        : { questions: heldOut.questions, questionImages: heldOut.questionImages }),
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
  readonly questions?: string;
  readonly questionImages: string;
}

function prepare(facts: StageFacts, set: DataSource): PreparedSet {
  const { out } = facts;
  // Names hold no dots, so no other set's rows can be called this.
  const report = `check.${set.name}.json`;
  if (set.format === 'mllm') {
    // As for other rows: without a folder there is no image that may be trained on.
    const given = set.images?.path;
    const imageRoot = given ?? ROOT;
    const file = set.annotations;
    return {
      commands: check(facts, set, { file, images: given, report }),
      file,
      imageRoot,
      report,
      questionImages: imageRoot,
    };
  }
  const file = join(out, `${set.name}.json`);
  if (set.format === 'llava') {
    // Without a folder every image of a row is missing: an image that is no source of the key is not trained on.
    const images = set.images?.path;
    const root = images === undefined ? undefined : ROOT;
    return {
      commands: [
        convert(facts, set.name, set.annotations, images, file, set),
        ...check(facts, set, { file, images: root, report }),
      ],
      file,
      imageRoot: ROOT,
      report,
      questionImages: ROOT,
    };
  }
  const made = join(out, set.name);
  const sizes = ['--train-rows', String(set.rows), '--heldout-rows', String(set.heldOutRows)];
  return {
    commands: [
      python(facts, `make-${set.name}`, 'make_data.py', ['--output', made, '--seed', String(set.seed), ...sizes]),
      convert(facts, set.name, join(made, 'llava.json'), made, file, { maxDropped: '0%' }),
      ...check(facts, set, { file, images: ROOT, report }),
    ],
    file,
    imageRoot: ROOT,
    report,
    ...(set.heldOutRows === 0 ? {} : { questions: join(made, 'heldout.json') }),
    questionImages: made,
  };
}

interface Limits {
  readonly maxDropped: string;
  readonly maxSamples?: number | undefined;
}

function convert(
  facts: StageFacts,
  name: string,
  annotations: string,
  images: string | undefined,
  output: string,
  { maxDropped, maxSamples }: Limits,
): Command {
  return temper(facts, `convert-${name}`, [
    ...['data', 'convert', '--format', 'llava', '--annotations', annotations, '--output', output],
    ...(images === undefined ? [] : ['--images', images, '--media-prefix', `.${images}`]),
    ...['--max-dropped', maxDropped],
    ...(maxSamples === undefined ? [] : ['--max-samples', String(maxSamples)]),
    ...RESERVED,
  ]);
}

interface Checked {
  readonly file: string;
  /** Folder that the images lie in; without it a row with an image is refused. */
  readonly images: string | undefined;
  readonly report: string;
}

/** The rules that all rows must keep, and their lengths as training will find them: it refuses a row that is too long. */
function check(facts: StageFacts, set: DataSource, { file, images, report }: Checked): Command[] {
  const model = givenModel(facts.spec);
  const { sequenceLength } = facts.spec.train;
  return [
    temper(facts, `check-${set.name}`, [
      ...['data', 'check', file, ...(images === undefined ? [] : ['--images', images])],
      ...['--world-batch', String(worldBatch(facts.spec)), '--report', join(facts.out, report), '--allow-spaces'],
      ...RESERVED,
    ]),
    python(facts, `lengths-${set.name}`, 'check_lengths.py', [
      ...['--data', file, '--image-root', images ?? ROOT, '--seq-length', String(sequenceLength)],
      ...(model === null ? [] : ['--hf-dir', model.path]),
    ]),
  ];
}

/** Temper's own work under a keeper: it keeps the worker's event loop free and survives the worker. */
function temper({ tools, out }: StageFacts, step: string, args: readonly string[]): Command {
  return { step, argv: [tools.node, tools.temper, ...args], cwd: out, env: OFFLINE };
}

const CheckReportSchema = z.looseObject({ rows: z.number(), textOnly: z.number(), distinctImages: z.number() });

function countRows(reports: readonly unknown[]): ReturnType<NonNullable<StageWork['facts']>> {
  let [rows, textOnly, images] = [0, 0, 0];
  for (const report of reports) {
    const parsed = CheckReportSchema.safeParse(report);
    if (!parsed.success)
      return {
        facts: {},
        problems: [problem('ProofFailed', { what: 'a data report has an unknown form', why: parsed.error.message })],
      };
    rows += parsed.data.rows;
    textOnly += parsed.data.textOnly;
    images += parsed.data.distinctImages;
  }
  return { facts: { rows, textOnly, images }, problems: [] };
}
