import { Command } from 'commander';
import { newCommand, positiveInteger, withConnection } from './shared.js';
import type { Runner } from './shared.js';

const NAME = 'name of the schedule';

/** Commands about retrain schedules and the models that they promote. */
export function defineRetrainCommands(runner: Runner): Command[] {
  const approve = withConnection(newCommand('approve', 'let a retrain that waits for it promote its model'))
    .argument('<run>', 'name of the run, as temper schedule describe shows it')
    .option('--refuse', 'do not promote it')
    .option('--reason <text>', 'why')
    .action((run: string, options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/approve.js')).approve(context, run, options)),
    );
  return [scheduleCommands(runner), modelCommands(runner), approve, gcCommand(runner)];
}

function gcCommand(runner: Runner): Command {
  return withConnection(newCommand('gc', 'remove runs, checkpoints and outputs that nothing needs; --dry-run first'))
    .option('--older-than <duration>', 'runs that were not touched for longer, such as 30d')
    .option('--keep-runs <count>', 'ended runs beyond the newest N', positiveInteger)
    .option('--max-bytes <size>', 'the oldest, until runs, store and downloads are no larger, such as 500GB')
    .option('--keep-checkpoints <count>', 'checkpoints of ended runs beyond the newest N', positiveInteger)
    .option('--checkpoints-older-than <duration>', 'checkpoints of ended runs, but the newest, such as 7d')
    .option('--workspace <dir>', 'workspace; default: those of schedules and recent runs')
    .option('--fleet <name>', 'fleet whose hosts see that workspace', 'default')
    .option('--dry-run', 'only show what would go')
    .option('--yes', 'do not ask')
    .action((options, command: Command) =>
      runner.run(command, async (context) => (await import('../commands/gc.js')).gc(context, options)),
    );
}

function scheduleCommands(runner: Runner): Command {
  const group = new Command('schedule').description('retrain a model again and again, and promote it when it is good');
  const apply = withConnection(newCommand('apply', 'create or update a schedule; shows what changes'))
    .argument('<file>', 'schedule file (kind: Retrain)')
    .option('--dry-run', 'only show what would change')
    .action((file: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/schedule-apply.js')).scheduleApply(context, file, options),
      ),
    );
  const ls = withConnection(newCommand('ls', 'list the schedules')).action((options, command: Command) =>
    runner.run(command, async (context) => (await import('../commands/schedule-look.js')).scheduleLs(context, options)),
  );
  const describe = withConnection(newCommand('describe', 'show when a schedule runs next and what its last runs did'))
    .argument('<name>', NAME)
    .action((name: string, options, command: Command) =>
      runner.run(command, async (context) =>
        (await import('../commands/schedule-look.js')).scheduleDescribe(context, name, options),
      ),
    );
  for (const command of [apply, ls, describe, ...steerCommands(runner)]) group.addCommand(command);
  return group;
}

function steerCommands(runner: Runner): Command[] {
  const load = () => import('../commands/schedule-steer.js');
  const command = (name: string, summary: string): Command =>
    withConnection(newCommand(name, summary)).argument('<name>', NAME);
  return [
    command('pause', 'start no more runs; one that is under way goes on')
      .option('--note <text>', 'why')
      .action((name: string, options, self: Command) =>
        runner.run(self, async (context) => (await load()).schedulePause(context, name, options)),
      ),
    command('unpause', 'start runs again')
      .option('--note <text>', 'why')
      .action((name: string, options, self: Command) =>
        runner.run(self, async (context) => (await load()).scheduleUnpause(context, name, options)),
      ),
    command('trigger', 'start a run now, unless one is under way').action((name: string, options, self: Command) =>
      runner.run(self, async (context) => (await load()).scheduleTrigger(context, name, options)),
    ),
    command('backfill', 'start the runs of a time that has passed, one after the other')
      .requiredOption('--from <time>', 'first day, or time such as 2026-11-26T02:00:00Z')
      .requiredOption('--to <time>', 'last day (included), or time')
      .action((name: string, options, self: Command) =>
        runner.run(self, async (context) => (await load()).scheduleBackfill(context, name, options)),
      ),
    command('delete', 'delete a schedule; promoted models stay')
      .option('--yes', 'do not ask')
      .action((name: string, options, self: Command) =>
        runner.run(self, async (context) => (await load()).scheduleDelete(context, name, options)),
      ),
  ];
}

function modelCommands(runner: Runner): Command {
  const load = () => import('../commands/models.js');
  const command = (name: string, summary: string, place = 'those of schedules and recent runs'): Command =>
    withConnection(newCommand(name, summary))
      .option('--workspace <dir>', `workspace of the model; default: ${place}`)
      .option('--fleet <name>', 'fleet whose hosts see that workspace', 'default');
  return new Command('models')
    .description('look at promoted models and choose the current one')
    .addCommand(
      command('ls', 'list the models').action((options, self: Command) =>
        runner.run(self, async (context) => (await load()).modelsLs(context, options)),
      ),
    )
    .addCommand(
      command('show', 'show a model: versions, numbers and history')
        .argument('<name>', 'name of the model')
        .action((name: string, options, self: Command) =>
          runner.run(self, async (context) => (await load()).modelsShow(context, name, options)),
        ),
    )
    .addCommand(
      command('promote', 'make the model of a run the current one', 'that of the run')
        .argument('<name>', 'name of the model')
        .requiredOption('--run <run>', 'run whose exported model it is')
        .option('--reason <text>', 'why')
        .action((name: string, options, self: Command) =>
          runner.run(self, async (context) => (await load()).modelsPromote(context, name, options)),
        ),
    )
    .addCommand(
      command('rollback', 'make an earlier model current again; retrains then compare with it')
        .argument('<name>', 'name of the model')
        .option('--to <version>', 'number of the model; default: the one before the current', positiveInteger)
        .option('--reason <text>', 'why')
        .action((name: string, options, self: Command) =>
          runner.run(self, async (context) => (await load()).modelsRollback(context, name, options)),
        ),
    );
}
