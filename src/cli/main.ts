import { diskProblem } from '../domain/disk-problem.js';
import { errorText } from '../domain/text/error-text.js';
import { Command, type CommanderError } from 'commander';
import { EXIT, TemperError, exitStatusOf, problem } from '../domain/errors.js';
import type { ExitStatus } from '../domain/errors.js';
import type { Problem } from '../schemas/problem.js';
import { VERSION } from '../version.js';
import type { CommandContext } from './context.js';
import { defineFetchCommands } from './define/fetch-commands.js';
import { defineFileCommands } from './define/file-commands.js';
import { defineModelCommands } from './define/model-commands.js';
import { defineRunCommands } from './define/run-commands.js';
import { defineRetrainCommands } from './define/retrain-commands.js';
import { defineServiceCommands } from './define/service-commands.js';
import { outputFormat } from './define/shared.js';
import type { Runner } from './define/shared.js';
import { defineSpecCommands } from './define/spec-commands.js';
import { processIo } from './io.js';
import type { CliIo } from './io.js';
import { createOutput } from './output.js';
import type { ColourChoice, Output } from './output.js';

const AFTER_HELP = `
First steps:
  temper init --recipe cpu-tiny --output tiny.yaml
  temper validate tiny.yaml
  temper dev                          (a server and workers on this machine)
  temper start tiny.yaml --watch

Exit statuses: ${EXIT.ok} well, ${EXIT.failed} failed, ${EXIT.usage} wrong usage or spec, ${EXIT.unreachable} not reachable, ${EXIT.blocked} waits for a person, ${EXIT.interrupted} interrupted.
`;

/** What the CLI reaches through; tests give their own. */
export interface CliDoors {
  readonly io: CliIo;
  readonly openRuns: CommandContext['openRuns'];
}

/** Runs one command line (without node and script) and returns its exit status. Never rejects. */
export async function main(argv: readonly string[], doors: Partial<CliDoors> = {}): Promise<ExitStatus> {
  const io = doors.io ?? processIo();
  const openRuns = doors.openRuns ?? openRealRuns;
  let status: ExitStatus = EXIT.ok;
  let output = createOutput(io, 'text', 'auto');
  let isDebug = false;
  const runner: Runner = {
    async run(command, work) {
      const options = command.opts<{
        readonly o?: unknown;
        readonly output?: unknown;
        readonly color: ColourChoice;
        readonly debug?: boolean;
      }>();
      output = createOutput(io, outputFormat(options), options.color);
      isDebug = options.debug ?? false;
      status = await work({ io, output, openRuns });
    },
  };
  try {
    await createProgram(runner, io).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    // Ctrl-C or Ctrl-D at a question.
    if (error instanceof Error && error.name === 'AbortError') return EXIT.interrupted;
    return tellError(error, output, isDebug);
  }
}

function createProgram(runner: Runner, io: CliIo): Command {
  const program = new Command('temper')
    .description('Durable fine-tuning pipelines for large vision-language models.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', AFTER_HELP);
  const commands = [
    ...defineSpecCommands(runner),
    ...defineRunCommands(runner),
    ...defineRetrainCommands(runner),
    ...defineServiceCommands(runner),
    ...defineFileCommands(runner),
    ...defineModelCommands(runner),
    ...defineFetchCommands(runner),
  ];
  for (const command of commands) program.addCommand(command);
  quieten(program, io);
  return program;
}

/** Makes commander throw instead of exiting, and leave the telling of errors to `tellError`. */
function quieten(command: Command, io: CliIo): void {
  command.showSuggestionAfterError(true).exitOverride((error) => {
    throw new WrongUsage(error, wordsOf(command));
  });
  command.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    // Told as a frame by tellError.
    outputError: () => undefined,
  });
  for (const child of command.commands) quieten(child, io);
}

/** How commander refused a command line, and the words of the command whose help tells more. */
class WrongUsage extends Error {
  readonly told: CommanderError;
  readonly command: string;

  constructor(told: CommanderError, command: string) {
    super(told.message);
    this.told = told;
    this.command = command;
  }
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}

function tellError(error: unknown, output: Output, isDebug: boolean): ExitStatus {
  if (error instanceof WrongUsage) return tellUsage(error, output);
  const told = problemOf(error);
  output.problem(told);
  if (isDebug && error instanceof Error) output.note(error.stack ?? error.message);
  return exitStatusOf(told.code);
}

function tellUsage({ told: error, command }: WrongUsage, output: Output): ExitStatus {
  if (error.exitCode === 0) return EXIT.ok;
  // A group without a subcommand has printed its help already.
  if (error.code === 'commander.help') return EXIT.usage;
  const [what = '', ...hints] = error.message.replace(/^error: /, '').split('\n');
  output.problem(
    problem('UsageInvalid', {
      what,
      ...(hints.length === 0 ? {} : { why: hints.join(' ').trim() }),
      fix: `see ${command} --help`,
    }),
  );
  return EXIT.usage;
}

function problemOf(error: unknown): Problem {
  if (error instanceof TemperError) return error.problem;
  return (
    diskProblem(error, 'run it again') ??
    problem('Internal', { what: errorText(error), fix: 'run it again with --debug and report what it prints' })
  );
}

async function openRealRuns(flags: Parameters<CommandContext['openRuns']>[0]): ReturnType<CommandContext['openRuns']> {
  return (await import('./open-runs.js')).openRuns(flags);
}
