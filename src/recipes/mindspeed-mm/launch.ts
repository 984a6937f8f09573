import { join } from 'node:path';
import type { Command, LaunchFacts, LaunchReasons } from '../recipe.js';
import { rowFiles } from './data/sets.js';
import { checkoutOf } from './layout.js';
import { revisionOf } from './revisions.js';
import { withToolkit } from './toolkit-command.js';
import { CURVES, type TrainingFacts } from './training/facts.js';
import { launchReasons, trainingLaunch } from './training/launch.js';
import { outputOf } from '../stage-work.js';

/** One host's part of the training: torchrun in the environment of the toolkit. */
export function launch(facts: LaunchFacts): Command {
  const { argv, cwd, env } = trainingLaunch(trainingFacts(facts), facts.tools.python);
  const step = `h${String(facts.nodeRank).padStart(2, '0')}`;
  return { step, argv: withToolkit(facts.spec, argv), cwd, env };
}

/** The configuration files of a host. */
export function launchFiles(facts: LaunchFacts): readonly { readonly path: string; readonly content: string }[] {
  return trainingLaunch(trainingFacts(facts), facts.tools.python).files;
}

/** Why each argument and variable of a host is what it is. */
export function reasons(facts: LaunchFacts): LaunchReasons {
  return launchReasons(trainingFacts(facts));
}

function trainingFacts(facts: LaunchFacts): TrainingFacts {
  const { spec, tools, inputs, rankLogDir, cacheDir, hostDir, loadDir, saveDir } = facts;
  const rows = inputs.check?.facts['rows'];
  return {
    spec,
    revision: revisionOf(spec.environment.sources?.['mindspeedMm']?.ref),
    nodeRank: facts.nodeRank,
    nodes: facts.nodes,
    ranksPerNode: facts.ranksPerNode,
    masterAddress: facts.masterAddress,
    masterPort: facts.masterPort,
    networkInterface: facts.networkInterface,
    isResume: facts.isResume,
    folders: {
      checkout: checkoutOf('mindspeedMm', spec, tools),
      // The folder that was converted: with reduced layers it is the smaller one.
      hf: outputOf(inputs, 'convert', 'hf'),
      config: join(hostDir, 'config'),
      load: loadDir,
      save: saveDir,
      tensorboard: join(hostDir, CURVES),
      caches: cacheDir,
      rankLogs: rankLogDir,
      plog: join(rankLogDir, 'plog'),
    },
    data: {
      files: rowFiles(spec, inputs.data?.outputs),
      mediaDir: outputOf(inputs, 'data', 'imageRoot'),
      rows: typeof rows === 'number' ? rows : null,
    },
    measured: facts.measured ?? { saveMs: null, preprocessRowsPerSecond: null },
  };
}
