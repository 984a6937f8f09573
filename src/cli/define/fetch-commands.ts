import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { newCommand, withModelWish } from './shared.js';
import type { Runner } from './shared.js';

/** Commands that bring files to this machine. */
export function defineFetchCommands(runner: Runner): Command[] {
  const fetch = withModelWish(
    newCommand('fetch', 'download a model, a data set or a file, verified and resumable', 'file'),
  )
    .argument(
      '<source>',
      'hf:OWNER/MODEL[@REVISION], hf-dataset:OWNER/NAME[@REVISION]/PATH, modelscope…: or an address',
    )
    .requiredOption('--output <path>', 'folder to fill; with --file the file to write')
    .option('--file', 'the source is one file')
    .option('--model', 'check the safetensors files against each other, their index and their sizes')
    .option('--cache <dir>', 'keep partial and whole downloads in this folder, for later fetches')
    .option('--manifest <file>', 'write what was fetched, and from where, as JSON to this file')
    .option('--sha256 <hex>', 'sha256 that the file must have', sha256)
    .option('--offline', 'fail: nothing may be fetched')
    .action((source: string, options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/fetch.js')).fetch(context, source, options)),
    );
  const unzip = newCommand('unzip', 'unpack an archive entry by entry, checked and resumable', 'file')
    .argument('<zip>', 'archive')
    .requiredOption('--output <dir>', 'folder that appears when everything is unpacked')
    .option('--sha256 <hex>', 'sha256 that the archive must have', sha256)
    .option('--remove-zip', 'remove the archive at the end')
    .action((zip: string, options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/unzip.js')).unzip(context, zip, options)),
    );
  return [fetch, unzip];
}

function sha256(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('a sha256 has 64 hex digits.');
  return text.toLowerCase();
}
