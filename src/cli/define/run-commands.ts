import type { Command } from 'commander';
import { collectSet, newCommand, stageOption, withConnection } from './shared.js';
import type { Runner } from './shared.js';

const RUN = 'name of a run, a unique beginning of it, or @last';

/** Commands about runs and hosts: they talk to Temporal and never load the worker. */
export function defineRunCommands(runner: Runner): Command[] {
  return [...startAndLook(runner), ...steer(runner), ...hostCommands(runner)];
}

function startAndLook(runner: Runner): Command[] {
  return [
    withConnection(newCommand('start', 'start a run of a spec; a run of that name is never started twice'))
      .argument('<file>', 'spec')
      .option('--run <name>', 'name of the run; default: the name in the spec')
      .option('--new', 'start another run, with a number behind its name, when one has ended')
      .option('--watch', 'follow it and exit with its result')
      .addOption(stageOption('--from <stage>', 'make this stage and all after it again'))
      .addOption(stageOption('--until <stage>', 'stop after this stage'))
      .option('--from-checkpoint <dir>', 'continue from an existing checkpoint (train.fromCheckpoint)')
      .action((file: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/start.js')).start(context, file, options)),
      ),
    withConnection(newCommand('ls', 'list all runs, the newest first')).action((options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/ls.js')).ls(context, options)),
    ),
    withConnection(newCommand('status', 'show a run'))
      .argument('[run]', RUN)
      .action((run: string | undefined, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/status.js')).status(context, run, options)),
      ),
    withConnection(newCommand('watch', 'follow a run; exits with its result: 0 done, 1 failed, 4 blocked'))
      .argument('[run]', RUN)
      .action((run: string | undefined, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/watch.js')).watch(context, run, options)),
      ),
    withConnection(newCommand('doctor', 'check hosts before a launch (exit 1 when a check failed); changes nothing'))
      .option('--host <name>', 'this host of the fleet; default: this machine')
      .option('--all', 'all hosts of the fleet, and what only they together tell')
      .option('--local', 'this machine, without asking a server')
      .option('--spec <file>', 'for the training of this spec: its workspace, ports, needs and recipe')
      .option('--fleet <name>', "name of the fleet; default: the spec's")
      .option('--scratch <dir>', 'scratch folder of this machine, without asking a server')
      .option('--train-address <ip>', 'training address of this machine, with --local')
      .action((options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/doctor.js')).doctor(context, options)),
      ),
  ];
}

function steer(runner: Runner): Command[] {
  return [
    withConnection(newCommand('pause', 'stop what runs and park the run; resume continues it'))
      .argument('<run>', RUN)
      .action((run: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/pause.js')).pause(context, run, options)),
      ),
    withConnection(newCommand('resume', 'continue a blocked or paused run, with corrected values'))
      .argument('<run>', RUN)
      .option('--set <path=value>', 'correct a field of the spec; may be given several times', collectSet)
      .addOption(stageOption('--from <stage>', 'make this stage and all after it again'))
      .option('--watch', 'follow it and exit with its result')
      .action((run: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/resume.js')).resume(context, run, options)),
      ),
    withConnection(newCommand('recover', "rebuild a run from its folder, after Temporal's database was lost"))
      .argument('<run>', 'name of the run')
      .option('--workspace <dir>', 'workspace of the run')
      .option('--spec <file>', 'spec of the run: tells workspace and fleet')
      .option('--fleet <name>', 'fleet whose hosts are asked; default: that of --spec, else default')
      .option('--dry-run', 'only say what is there and what would be done')
      .option('--watch', 'follow it and exit with its result')
      .action((run: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/recover.js')).recover(context, run, options)),
      ),
    withConnection(newCommand('cancel', 'end a run for good'))
      .argument('<run>', `${RUN}; or the id of a retrain, as schedule describe tells it`)
      .option('--reason <text>', 'why, for whoever looks later')
      .option('--yes', 'do not ask')
      .action((run: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/cancel.js')).cancel(context, run, options)),
      ),
  ];
}

function hostCommands(runner: Runner): Command[] {
  const withFleet = (command: Command): Command =>
    withConnection(command).option('--fleet <name>', 'name of the fleet', 'default');
  return [
    withFleet(
      newCommand('hosts', 'list the hosts of a fleet, who holds them, who waits, and which are set aside'),
    ).action((options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/hosts.js')).hosts(context, options)),
    ),
    withFleet(newCommand('cordon', 'take a host out of its fleet: what it does goes on, new leases do not get it'))
      .argument('<host>', 'name of the host')
      .requiredOption('--reason <text>', 'why, for whoever looks later')
      .action((host: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/hosts.js')).cordon(context, host, options)),
      ),
    withFleet(newCommand('uncordon', 'let leases have a host again, whyever it was set aside'))
      .argument('<host>', 'name of the host')
      .action((host: string, options, command: Command) =>
        runner.run(command, async (context) => (await import('../commands/hosts.js')).uncordon(context, host, options)),
      ),
  ];
}
