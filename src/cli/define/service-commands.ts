import { Option } from 'commander';
import type { Command } from 'commander';
import { newCommand, positiveInteger, withConnection } from './shared.js';
import type { Runner } from './shared.js';

/** Commands that stay: the development server and the workers. */
export function defineServiceCommands(runner: Runner): Command[] {
  return [
    newCommand('dev', 'run a Temporal server, a control worker and host workers on this machine until Ctrl-C')
      .option('--run <file>', 'run this spec and exit with its result; an open run of it is continued')
      .option('--new', 'with --run: start another run when one has ended')
      .option('--hosts <n>', 'number of host workers', positiveInteger, 2)
      .option('--train-address <ip>', 'address of this machine that the hosts train at; default: loopback')
      .action((options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/dev.js')).dev(context, options)),
      ),
    withConnection(newCommand('worker', 'run a worker until it is stopped; training goes on without it'))
      .addOption(
        new Option('--role <role>', 'control: workflows; host: the work on one machine')
          .choices(['control', 'host'])
          .makeOptionMandatory(),
      )
      .option('--fleet <name>', 'name of the fleet', 'default')
      .option('--name <host>', 'name of the host in its fleet; default: the host name of the machine')
      .option('--scratch <dir>', "folder on the host's own disk (role host)")
      .option('--train-address <ip>', 'address at which other hosts reach this one for training; default: loopback')
      .option('--label <label...>', 'labels of the host')
      .action((options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/worker.js')).worker(context, options)),
      ),
  ];
}
