import type { Command } from 'commander';
import { collectText, newCommand, stageOption, withConnection } from './shared.js';
import type { Runner } from './shared.js';

/** Commands about specs: they run without a server. */
export function defineSpecCommands(runner: Runner): Command[] {
  return [
    newCommand('init', 'print the commented spec of a recipe; without --recipe list the recipes', 'file')
      .option('--recipe <id>', 'recipe whose spec is wanted')
      .option('--output <file>', 'write it to a new file')
      .action((options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/init.js')).init(context, options)),
      ),
    newCommand('validate', 'check a spec and tell all problems at once (exit 2 when there is an error)')
      .argument('<file>', 'spec')
      .action((file: string, _options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/validate.js')).validate(context, file)),
      ),
    withConnection(
      newCommand('plan', 'show stages, hosts, commands, disk and memory of a run, and what would be reused'),
    )
      .argument('<spec|run>', 'spec file, or name of a run (a unique beginning, @last)')
      .option('--run <name>', 'name of the run of a spec; default: the name in it')
      .option('--offline', 'ask no host')
      .option('--commands', 'show each command of each host, word by word')
      .action((what: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/plan.js')).plan(context, what, options)),
      ),
    withConnection(
      newCommand('render', 'write scripts that do by hand what Temper would do for a spec or a run', 'file'),
    )
      .argument('<spec|run>', 'spec file, or name of a run')
      .requiredOption('--output <dir>', 'new folder for the scripts')
      .option(
        '--host <name=address>',
        'host by node rank, with ,INTERFACE behind it where it has several; may be given several times',
        collectText,
      )
      .option('--python <file>', 'Python of the training environment on the hosts')
      .option('--scratch <dir>', "folder on each host's own disk, for logs and caches; else that of the spec")
      .option('--resume', 'continue from what these scripts saved')
      .addOption(
        stageOption('--from <stage>', 'of a run: also the scripts of this stage and all after it that are done'),
      )
      .action((what: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/render.js')).render(context, what, options)),
      ),
    newCommand('schema', 'print the JSON Schema of a spec, for editors').action((_options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/schema.js')).schema(context)),
    ),
    newCommand('errors', 'list the error codes with exit status and usual fix')
      .option('--markdown', 'as the page docs/errors.md')
      .action((options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/errors.js')).errors(context, options)),
      ),
  ];
}
