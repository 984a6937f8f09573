import { Command, Option } from 'commander';
import { collectText, newCommand, positiveInteger, withConnection } from './shared.js';
import type { Runner } from './shared.js';

/** Commands about files: data, checkpoints, exported models. Only `checkpoint ls`, which asks about a run, needs a server. */
export function defineFileCommands(runner: Runner): Command[] {
  return [dataCommands(runner), checkpointCommands(runner), exportCommands(runner)];
}

function dataCommands(runner: Runner): Command {
  const convert = newCommand('convert', 'convert rows to the MLLM format', 'file')
    .addOption(new Option('--format <format>', 'format of the input').choices(['llava', 'mllm']).default('llava'))
    .requiredOption('--annotations <file>', 'JSON file with the rows')
    .option('--images <dir>', 'folder that image names are relative to')
    .option('--enter-only-folder', 'look for images in the only folder of DIR too, as in an unpacked archive')
    .requiredOption('--output <file>', 'file to write')
    .option('--max-dropped <share>', 'share of rows that may be dropped, such as 0.1%')
    .option('--media-prefix <path>', 'put before each image name')
    .option('--max-samples <rows>', 'convert only the first rows', positiveInteger)
    .option('--reserved-token <text>', 'refuse rows with this token of the model in a text; repeatable', collectText)
    .option('--report <file>', 'write the report as JSON to this file too')
    .action((options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/data-convert.js')).dataConvert(context, options),
      ),
    );
  const check = newCommand('check', 'check an MLLM file and its images (exit 1 when training would not use all rows)')
    .argument('<file>', 'MLLM file')
    .option('--images <dir>', 'folder that image paths are relative to')
    .option('--sequence-length <tokens>', 'tell rows that are longer', positiveInteger)
    .option('--world-batch <rows>', 'rows that one step takes over all ranks', positiveInteger)
    .option('--image-min-pixels <pixels>', 'smaller images are scaled up to this', positiveInteger)
    .option('--image-max-pixels <pixels>', 'larger images are scaled down to this', positiveInteger)
    .option('--allow-spaces', 'the training program takes paths with white space')
    .option('--reserved-token <text>', 'refuse rows with this token of the model in a text; repeatable', collectText)
    .option('--report <file>', 'write the report as JSON to this file too')
    .action((file: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/data-check.js')).dataCheck(context, file, options),
      ),
    );
  return group('data', 'convert and check training data').addCommand(convert).addCommand(check);
}

function checkpointCommands(runner: Runner): Command {
  const verify = newCommand('verify', 'check a checkpoint without loading it (exit 1 when it cannot be used)')
    .argument('<dir>', 'checkpoint folder, or its parent with the tracker file')
    .option('--deep', 'read every stored item and compare it with the checksum that it was saved with')
    .option('--recipe <id>', 'recipe whose names the checkpoint has', 'cpu-tiny')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/checkpoint-verify.js')).checkpointVerify(context, dir, options),
      ),
    );
  const ls = withConnection(newCommand('ls', 'list the checkpoints of a run and what its attempts restored from them'))
    .argument('<run>', 'name of a run, a unique beginning of it, or @last')
    .action((run: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/checkpoint-ls.js')).checkpointLs(context, run, options),
      ),
    );
  const copy = newCommand('copy', 'copy a checkpoint to another disk and compare every byte', 'file')
    .argument('<dir>', 'checkpoint folder, or its parent with the tracker file')
    .requiredOption('--output <folder>', 'folder that appears when the copy is whole')
    .option('--recipe <id>', 'recipe whose names the checkpoint has', 'cpu-tiny')
    .action((dir: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/checkpoint-copy.js')).checkpointCopy(context, dir, options),
      ),
    );
  return group('checkpoint', 'look at checkpoints').addCommand(verify).addCommand(ls).addCommand(copy);
}

function exportCommands(runner: Runner): Command {
  const verify = newCommand('verify', 'compare an exported model with its original (exit 1 when they differ)')
    .requiredOption('--original <dir>', 'Hugging Face folder that training started from')
    .requiredOption('--exported <dir>', 'Hugging Face folder that came out')
    .option('--deep', 'compare values too: at least one tensor was trained, those of --frozen were not')
    .option('--may-be-equal', 'with --deep: all values may be equal, because a cast can round small steps away')
    .option('--frozen <texts...>', 'texts in the names of tensors that must be equal bit for bit')
    .addOption(
      new Option('--dtype <dtype>', 'number format that was asked for').choices(['bf16', 'f32']).default('bf16'),
    )
    .action((options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/export-verify.js')).exportVerify(context, options),
      ),
    );
  return group('export', 'look at exported models').addCommand(verify);
}

function group(name: string, summary: string): Command {
  return new Command(name).description(summary);
}
