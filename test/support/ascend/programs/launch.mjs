import { parseLaunchArguments } from '../../../../src/recipes/simulated/programs/launch-arguments.mjs';
import { launch } from '../../../../src/recipes/simulated/programs/launcher.mjs';
import { runProgram } from '../../../../src/recipes/simulated/programs/program-errors.mjs';
import { FAULTS_VARIABLE } from './fault-kinds.mjs';

/** torchrun of one host. Its ranks are one process, which is one Node where upstream has sixteen Pythons. */
await runProgram(() => {
  const { env } = process;
  const own = { SIM_RANKS_IN_ONE_PROCESS: '1', SIM_FAULTS: env[FAULTS_VARIABLE] };
  const plan = parseLaunchArguments(process.argv.slice(2), own, 'torchrun: error');
  return launch({ ...plan, interpreter: env.FAKE_ASCEND_PYTHON ?? 'python3' });
});
