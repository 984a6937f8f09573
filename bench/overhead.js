/**
 * What Temper costs: the same commands once as a plain shell script and once through Temper, median of alternating
 * pairs. Starting the server and the workers is not counted; everything else is: planning, leases, keepers, proofs,
 * receipts. Run by `npm run bench:overhead [-- --pairs N]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, withDev } from './support/dev.js';
import { median } from './support/numbers.js';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '3' } } });
const pairs = Number(values.pairs);

/** The commands of a run, in the order in which a person would write them. */
const STEPS = [
  ['weights', /^weights\.make/],
  ['make data', /^data\.make/],
  ['convert data', /^data\.convert/],
  ['check data', /^data\.check/],
  ['measure lengths', /^data\.lengths/],
  ['convert', /^convert\./],
  ['train', /^train\.h\d/],
  ['export', /^export\./],
  ['ask before', /^verify\.before/],
  ['ask after', /^verify\.after/],
];

const { startRun, watchRun } = await import(`${ROOT}/dist/client/runs.js`);
const { quote } = await import(`${ROOT}/dist/domain/text/shell-quote.js`);
const { applySets } = await import(`${ROOT}/dist/domain/spec/edit-spec.js`);

let home = '';

await withDev(async (dev) => {
  const { client } = dev;
  home = dev.home;
  await throughTemper(client, 'warm-up');
  const times = { plain: [], temper: [] };
  for (let pair = 1; pair <= pairs; pair += 1) {
    const plain = await asPlainScript(`plain-${pair}`);
    times.plain.push(plain.seconds);
    const run = await throughTemper(client, `run-${pair}`);
    times.temper.push(run.seconds);
    process.stdout.write(
      `pair ${pair}: plain ${times.plain.at(-1).toFixed(1)} s, through Temper ${run.seconds.toFixed(1)} s\n`,
    );
    process.stdout.write(`  stages: ${run.stages.map(({ name, durationMs }) => told(name, durationMs)).join(', ')}\n`);
    process.stdout.write(
      `  commands, plain:          ${plain.commands.map(([name, ms]) => told(name, ms)).join(', ')}\n`,
    );
    process.stdout.write(`  commands, through Temper: ${commandTimes(`run-${pair}`).join(', ')}\n`);
  }
  const plain = median(times.plain);
  const temper = median(times.temper);
  process.stdout.write(
    `median of ${pairs}: plain ${plain.toFixed(1)} s, through Temper ${temper.toFixed(1)} s, ratio ${(temper / plain).toFixed(3)} (bar 1.10)\n`,
  );
  process.exitCode = temper / plain <= 1.1 ? 0 : 1;
});

async function throughTemper(client, name) {
  const example = join(ROOT, 'examples/tiny.yaml');
  const sets = [
    { path: 'name', value: name },
    { path: 'workspace', value: join(home, name) },
  ];
  const specText = applySets(readFileSync(example, 'utf8'), sets).text;
  const startedAt = performance.now();
  await startRun(client, { specText, file: example, run: null, isNew: false, from: null, until: null });
  let last = null;
  for await (const status of watchRun(client, name, { pollMs: 500 })) last = status;
  const seconds = (performance.now() - startedAt) / 1000;
  if (last?.state !== 'done') throw new Error(`${name} ended ${last?.state}: ${JSON.stringify(last?.problem)}`);
  return { seconds, stages: last.stages };
}

/** The commands of the warm-up run, from the keepers' own records, as a person would write them into a script. */
async function asPlainScript(name) {
  const requests = keeperFolders('warm-up').map(({ dir }) =>
    JSON.parse(readFileSync(join(dir, 'request.json'), 'utf8')),
  );
  const named = (pattern) => requests.filter(({ id }) => pattern.test(id.replace('warm-up.', '')));
  const lines = ['set -euo pipefail', 'date +%s%3N >&3'];
  for (const [, pattern] of STEPS) {
    const group = named(pattern);
    if (group.length === 0) throw new Error(`the warm-up run has no command ${pattern}`);
    for (const request of group)
      lines.push(`mkdir -p ${quote(move(request.cwd, name))}`, `cd ${quote(move(request.cwd, name))}`);
    const commands = group.map((request) => commandLine(request, name));
    lines.push(
      ...(group.length === 1 ? commands : [...commands.map((line) => `${line} &`), 'wait']),
      'date +%s%3N >&3',
    );
  }
  const script = join(home, `${name}.sh`);
  writeFileSync(script, `${lines.join('\n')}\n`);
  const startedAt = performance.now();
  const child = spawn('bash', [script], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let errors = '';
  let stamps = '';
  child.stdio[3].on('data', (chunk) => (stamps += chunk));
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-2_000)));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the plain script ended with ${code}: ${errors}`);
  const seconds = (performance.now() - startedAt) / 1000;
  const at = stamps.trim().split('\n').map(Number);
  return { seconds, commands: STEPS.map(([step], index) => [step, at[index + 1] - at[index]]) };
}

/** How long each command ran under its keeper; of a gang, the host that took longest. */
function commandTimes(run) {
  const exits = keeperFolders(run).map(({ id, dir }) => ({
    id,
    ...JSON.parse(readFileSync(join(dir, 'exit.json'), 'utf8')),
  }));
  return STEPS.map(([step, pattern]) => {
    const group = exits.filter(({ id }) => pattern.test(id.replace(`${run}.`, '')));
    return told(step, Math.max(...group.map((exit) => Date.parse(exit.endedAt) - Date.parse(exit.startedAt))));
  });
}

function keeperFolders(run) {
  return ['laptop-1', 'laptop-2'].flatMap((host) => {
    const keepers = join(home, 'hosts', host, 'keepers');
    return readdirSync(keepers)
      .filter((id) => id.startsWith(`${run}.`))
      .map((id) => ({ id, dir: join(keepers, id) }));
  });
}

function told(name, ms) {
  return `${name} ${(ms / 1000).toFixed(1)}`;
}

function commandLine({ argv, env }, name) {
  const moved = argv.map((argument) => move(argument, name));
  // Temper shows the converted weights through a load view; a person names their folder.
  const load = moved.indexOf('--load');
  if (load >= 0) {
    moved[load + 1] = convertedFolder(name);
  }
  const variables = Object.entries(env).map(([key, value]) => `${key}=${quote(value)}`);
  return `${variables.join(' ')} ${moved.map(quote).join(' ')}`;
}

function convertedFolder(name) {
  const convert = join(
    home,
    'hosts',
    'laptop-1',
    'keepers',
    readdirSync(join(home, 'hosts', 'laptop-1', 'keepers')).find((id) => id.startsWith('warm-up.convert.hf-to-dcp.')),
    'request.json',
  );
  const { argv } = JSON.parse(readFileSync(convert, 'utf8'));
  return move(argv[argv.indexOf('--save-dir') + 1], name);
}

/** The same paths in a workspace and rank log folders of their own. */
function move(text, name) {
  return text.replaceAll(join(home, 'warm-up'), join(home, name)).replaceAll('rank-logs/warm-up', `rank-logs/${name}`);
}
