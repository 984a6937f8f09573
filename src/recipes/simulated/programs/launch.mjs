import { parseLaunchArguments } from './launch-arguments.mjs';
import { launch } from './launcher.mjs';
import { runProgram } from './program-errors.mjs';

await runProgram(() => launch(parseLaunchArguments(process.argv.slice(2), process.env)));
