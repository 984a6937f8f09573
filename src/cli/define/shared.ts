import { Command, InvalidArgumentError, Option } from 'commander';
import type { ExitStatus } from '../../domain/errors.js';
import { StageNameSchema } from '../../schemas/plan.js';
import type { SpecSet } from '../../schemas/run.js';
import type { CommandContext } from '../context.js';
import type { OutputFormat } from '../output.js';

const FORMATS = ['text', 'json', 'jsonl'] as const satisfies readonly OutputFormat[];

/** How a command's handler gets its context and leaves its exit status. */
export interface Runner {
  run(command: Command, work: (context: CommandContext) => ExitStatus | Promise<ExitStatus>): Promise<void>;
}

/** A new command with the flags that all commands have; where --output names a file, the form of the result is -o only. */
export function newCommand(name: string, summary: string, output: 'form' | 'file' = 'form'): Command {
  return new Command(name)
    .description(summary)
    .addOption(
      new Option(output === 'form' ? '-o, --output <form>' : '-o <form>', 'form of the result on stdout')
        .choices(FORMATS)
        .default('text'),
    )
    .addOption(
      new Option('--color <when>', 'colours; NO_COLOR and FORCE_COLOR count too')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--debug', 'show the stack of unexpected errors');
}

/** Form of the result that a parsed command line asks for. */
export function outputFormat(options: { readonly o?: unknown; readonly output?: unknown }): OutputFormat {
  const wanted = options.o ?? options.output;
  return FORMATS.find((format) => format === wanted) ?? 'text';
}

/** Adds the flags that say where Temporal is, named as the `temporal` CLI names them. */
export function withConnection(command: Command): Command {
  return command
    .option(
      '--address <host:port>',
      'Temporal server; default: TEMPORAL_ADDRESS, temporal.toml, or a running temper dev',
    )
    .option('--namespace <name>', 'Temporal namespace')
    .option('--profile <name>', 'profile of temporal.toml')
    .option('--api-key <key>', 'API key (better in TEMPORAL_API_KEY: arguments can be seen by other users)')
    .option('--tls', 'encrypt; a server is trusted when this machine trusts who signed it (on with an API key)')
    .option('--no-tls', 'do not encrypt, whatever the environment says')
    .option('--tls-cert-path <file>', 'client certificate')
    .option('--tls-key-path <file>', 'key of the client certificate')
    .option('--tls-ca-path <file>', 'certificate of the authority that signed the server')
    .option('--tls-server-name <name>', 'name that the certificate of the server has');
}

/** An option that takes the name of a stage. */
export function stageOption(flags: string, summary: string): Option {
  return new Option(flags, summary).choices(StageNameSchema.options);
}

/** Collects `--set path=value`. */
export function collectSet(text: string, before: readonly SpecSet[] = []): SpecSet[] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('write path=value, such as train.learningRate=1e-5.');
  return [...before, { path: text.slice(0, equals).trim(), value: text.slice(equals + 1) }];
}

/** Collects the values of an option that may be given several times. */
export function collectText(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** Reads a whole number of at least 1. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text)) throw new InvalidArgumentError('write a whole number above 0.');
  return Number(text);
}

/** Options that say which model is needed. */
export function withModelWish(command: Command): Command {
  return command
    .option('--type <type>', 'model_type that it must have; quantised weights are refused then')
    .option('--layers <count>', 'layers that will be kept of it', positiveInteger)
    .option('--section <name>', 'part of config.json that describes the layers', 'text_config');
}
