import { constants, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errorText } from '../domain/text/error-text.js';
import { TemperError } from '../domain/errors.js';
import { MAX_SPEC_BYTES, decodeSpec } from '../domain/spec/text-checks.js';
import { acceptedIds } from '../domain/spec/finding.js';
import { findingProblem, readSpec } from '../domain/spec/read-spec.js';
import { acceptedLines, specProblemFrame } from './render/frame.js';
import { RECIPES } from '../recipes/registry.js';
import type { PipelineSpec } from '../schemas/spec.js';
import type { SpecProblem } from '../schemas/spec-problem.js';
import type { Output } from './output.js';

/** A spec file that was read and judged. */
export interface SpecFile {
  /** The file as the user named it. */
  readonly file: string;
  /** Absolute folder of the file. */
  readonly baseDir: string;
  readonly text: string;
  /** null when there is an error among the problems. */
  readonly spec: PipelineSpec | null;
  readonly problems: readonly SpecProblem[];
}

/** Whether a word names a spec file: something of that name is there, or it cannot be the name of a run. */
export async function isSpecFile(what: string, cwd: string): Promise<boolean> {
  if (what !== '@last' && !/^[a-z0-9][a-z0-9-]{0,39}$/.test(what)) return true;
  return stat(resolve(cwd, what)).then(
    (facts) => !facts.isDirectory(),
    () => false,
  );
}

/** Reads and checks a spec file; rejects with `SpecUnreadable` when there is no such file. */
export async function readSpecFile(file: string, cwd: string): Promise<SpecFile> {
  const path = resolve(cwd, file);
  const baseDir = dirname(path);
  const { text, finding } = decodeSpec(await readStart(path, file));
  if (finding !== undefined)
    return { file, baseDir, text, spec: null, problems: [findingProblem(finding, file, text)] };
  return { file, baseDir, text, ...readSpec(text, { file, baseDir, recipes: RECIPES }) };
}

/** Tells the problems of a spec as frames on stderr, and the ids of those that it accepts; the spec, or null when it cannot be used. */
export function tellSpecProblems({ spec, problems, text }: SpecFile, output: Output): PipelineSpec | null {
  for (const problem of problems)
    if (problem.isAccepted !== true) output.note(specProblemFrame(problem, text, output.paintNote));
  for (const line of acceptedLines(acceptedIds(problems), output.paintNote)) output.note(line);
  return spec;
}

/** At most one byte more than a spec may have, so that a data set given by mistake is not read whole. */
async function readStart(path: string, file: string): Promise<Uint8Array> {
  try {
    // A pipe without a writer would block the opening for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) throw new Error('it is not a regular file');
      const buffer = Buffer.alloc(MAX_SPEC_BYTES + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new TemperError(
      'SpecUnreadable',
      { where: file, what: 'the file cannot be read', why: errorText(error) },
      { cause: error },
    );
  }
}

/** Text of a file that is written by people, such as a spec; rejects with `SpecUnreadable` when it is none. */
export async function readTextFile(file: string, cwd: string): Promise<string> {
  const { text, finding } = decodeSpec(await readStart(resolve(cwd, file), file));
  if (finding === undefined) return text;
  const { what, why, fix } = finding;
  throw new TemperError('SpecUnreadable', { where: file, what, why, fix });
}
