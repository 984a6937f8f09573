import { join } from 'node:path';
import type { Command, StageFacts, StageWork } from '../../recipe.js';
import { temper } from '../commands.js';
import { imagePixels } from '../training/data-file.js';
import { checkFacts } from './facts.js';
import { preparedSets, RESERVED_TOKENS, rowFiles, WHOLE_PATHS, type PreparedSet } from './sets.js';
import { outputOf } from '../../stage-work.js';

/** Judges rows and images as they will be trained on: lengths after scaling, and all rows against one step. */
export function checkWork(facts: StageFacts): StageWork {
  const { spec, inputs } = facts;
  const files = rowFiles(spec, inputs.data?.outputs);
  const sets = preparedSets(spec);
  return {
    files: [],
    commands: sets.map((prepared, index) => check(facts, prepared, files[index] ?? '')),
    checks: [],
    outputs: {},
    factFiles: sets.map(reportOf),
    facts: (reports) => checkFacts(spec, reports),
  };
}

function reportOf({ set }: PreparedSet): string {
  return `check-${set.name}.report.json`;
}

function check(facts: StageFacts, prepared: PreparedSet, file: string): Command {
  const { set, isWritten } = prepared;
  const { least, most } = imagePixels(facts.spec);
  const root = isWritten ? WHOLE_PATHS : outputOf(facts.inputs, 'data', 'imageRoot');
  return temper(facts, `check-${set.name}`, [
    // Without a folder every image of a row is missing, so text-only sets stay text-only.
    ...['data', 'check', file, ...(set.images === undefined ? [] : ['--images', root])],
    ...['--sequence-length', String(facts.spec.train.sequenceLength)],
    // The loader scales images into these bounds before they become tokens.
    ...['--image-min-pixels', String(least), '--image-max-pixels', String(most)],
    ...RESERVED_TOKENS,
    ...['--report', join(facts.out, reportOf(prepared))],
  ]);
}
