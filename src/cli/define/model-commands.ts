import { Command, Option } from 'commander';
import { newCommand, positiveInteger, withModelWish } from './shared.js';
import type { Runner } from './shared.js';

/** Commands about model folders in Hugging Face format; none needs a server. */
export function defineModelCommands(runner: Runner): Command[] {
  const inspect = withModelWish(
    newCommand('inspect', 'check headers, index and sizes of a model folder (exit 1 when it is not whole)'),
  )
    .argument('<dir>', 'model folder')
    .option('--report <file>', 'write the report as JSON to this file too')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/model-inspect.js')).modelInspect(context, dir, options),
      ),
    );
  const reduce = newCommand('reduce', 'write a smaller model with the first layers of another one', 'file')
    .argument('<dir>', 'model folder')
    .requiredOption('--layers <count>', 'layers to keep, counted from the first', positiveInteger)
    .requiredOption('--output <folder>', 'folder to write')
    .option('--prefix <text>', 'what stands before the number of a layer', 'model.language_model.layers.')
    .option('--section <name>', 'part of config.json that describes the layers', 'text_config')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/model-reduce.js')).modelReduce(context, dir, options),
      ),
    );
  const cast = newCommand(
    'cast',
    'write a model with the number formats of its original, or tell the ones that it has',
    'file',
  )
    .argument('<dir>', 'model folder')
    .option('--like <dir>', 'original model folder')
    .addOption(new Option('--dtype <dtype>', 'number format').choices(['bf16', 'f32']).default('bf16'))
    .option('--output <folder>', 'folder to write (bf16)')
    .option('--remove-source', 'remove the given folder once the new one is whole')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/model-cast.js')).modelCast(context, dir, options),
      ),
    );
  const group = new Command('model').description('look at and rewrite model folders');
  return [group.addCommand(inspect).addCommand(reduce).addCommand(cast)];
}
