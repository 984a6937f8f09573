import { EXIT } from '../../domain/errors.js';
import type { ExitStatus } from '../../domain/errors.js';
import { acceptedIds, formatSpecProblem } from '../../domain/spec/finding.js';
import type { SpecReport } from '../../schemas/spec-problem.js';
import type { CommandContext } from '../context.js';
import { acceptedLines } from '../render/frame.js';
import { readSpecFile } from '../spec-file.js';

/** `temper validate FILE`: all problems of a spec at once, one line each; exit 2 when there is an error. */
export async function validate({ output, io }: CommandContext, file: string): Promise<ExitStatus> {
  const { spec, problems } = await readSpecFile(file, io.cwd);
  const report: SpecReport = { v: 1, file, ok: spec !== null, problems: [...problems] };
  const told = problems.filter(({ isAccepted }) => isAccepted !== true);
  output.result(report, (paint) =>
    [
      ...told.map(formatSpecProblem),
      ...acceptedLines(acceptedIds(problems), paint),
      summary({ ...report, problems: told }),
    ].join('\n'),
  );
  return report.ok ? EXIT.ok : EXIT.usage;
}

function summary({ file, problems }: SpecReport): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  if (problems.length === 0) return `${file}: valid`;
  return `${file}: ${errors === 0 ? 'valid' : count(errors, 'error')}${warnings === 0 ? '' : `, ${count(warnings, 'warning')}`}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
