import { Command, Option } from 'commander';
import { newCommand } from './shared.js';
import type { Runner } from './shared.js';

/** Commands on model folders that stages run under a keeper. */
export function defineModelCommands(runner: Runner): Command[] {
  const cast = newCommand('cast', 'write a model in the number formats of its original', 'file')
    .argument('<dir>', 'model folder to cast')
    .requiredOption('--like <dir>', 'original model: what is BF16 in it becomes BF16, everything else stays')
    .addOption(new Option('--dtype <dtype>', 'number format').choices(['bf16', 'f32']).default('bf16'))
    .option('--output <dir>', 'folder to write; f32 without it corrects config.json in place')
    .option('--remove-source', 'remove the folder once the new one is on disk')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/model-cast.js')).modelCast(context, dir, options),
      ),
    );
  return [new Command('model').description('work on model folders').addCommand(cast)];
}
