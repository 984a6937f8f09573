import { parseCommandLine } from './command-line.mjs';
import { BadInput } from './program-errors.mjs';

/**
 * What a launcher is to start. `interpreter` runs `program`, a file.
 * @typedef {{ nodes: number, ranksPerNode: number, nodeRank: number, host: string, port: number, logDir: string,
 *   graceMs: number, rendezvousTimeoutMs: number, isOneProcess: boolean, interpreter: string, program: string,
 *   programArguments: readonly string[] }} LaunchPlan
 */

/** torchrun's names; `grace-ms`, `rendezvous-timeout-ms` and `ranks-in-one-process` are this launcher's own. */
const RULES = {
  nnodes: { type: 'number', required: true },
  nproc_per_node: { type: 'number', required: true },
  node_rank: { type: 'number', default: 0 },
  master_addr: { type: 'text', default: '127.0.0.1' },
  master_port: { type: 'number', default: 29_500 },
  redirects: { type: 'text', default: '3' },
  'log-dir': { type: 'text', required: true },
  // torchrun's own 30 s between TERM and KILL (torch.distributed.elastic).
  'grace-ms': { type: 'number', default: 30_000 },
  'rendezvous-timeout-ms': { type: 'number', default: 900_000 },
  'ranks-in-one-process': { type: 'flag' },
};

const FLAGS = Object.keys(RULES).filter((name) => RULES[name].type === 'flag');

/**
 * Reads torchrun's command line: its own arguments, then a program, then that program's arguments.
 * @param {readonly string[]} argv
 * @param {Readonly<Record<string, string | undefined>>} env `SIM_GRACE_MS` and `SIM_RANKS_IN_ONE_PROCESS` stand for
 *   arguments, because a spec can set variables and not arguments
 */
export function parseLaunchArguments(argv, env, name = 'launch.mjs') {
  let at = 0;
  while (argv[at]?.startsWith('--')) at += FLAGS.includes(argv[at].slice(2)) || argv[at].includes('=') ? 1 : 2;
  const program = argv[at];
  if (program === undefined) throw new BadInput(`${name}: the following arguments are required: training_script`);
  const given = [
    ...(env.SIM_GRACE_MS ? ['--grace-ms', env.SIM_GRACE_MS] : []),
    ...(env.SIM_RANKS_IN_ONE_PROCESS === '1' ? ['--ranks-in-one-process'] : []),
  ];
  const values = parseCommandLine([...given, ...argv.slice(0, at)], RULES, name);
  if (values.redirects !== '3')
    throw new BadInput(`${name}: argument --redirects: only 3 (stdout and stderr) is known, not ${values.redirects}`);
  return {
    nodes: values.nnodes,
    ranksPerNode: values.nproc_per_node,
    nodeRank: values.node_rank,
    host: values.master_addr,
    port: values.master_port,
    logDir: values['log-dir'],
    graceMs: values['grace-ms'],
    rendezvousTimeoutMs: values['rendezvous-timeout-ms'],
    isOneProcess: values['ranks-in-one-process'],
    interpreter: process.execPath,
    program,
    programArguments: argv.slice(at + 1),
  };
}
