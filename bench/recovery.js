/**
 * How long a training of two ranks stands still after a failure: through Temper, and beside it the way of the guide,
 * torchrun on each host in a loop that starts it again when it ended. Times are taken from outside, by looking at
 * processes and rank logs every 20 ms. Run by `npm run bench:recovery [-- --trials N --seed S --quick]`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT, withDev } from './support/dev.js';
import { median, seededRandom } from './support/numbers.js';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    quick: { type: 'boolean', default: false },
  },
});
const trials = Number(values.trials);
/** Collectives of HCCL give up after 1800 s by default; the simulation waits this long instead. */
const COLLECTIVE_TIMEOUT_MS = 60_000;
/** Seconds, from the issue: others dead, relaunch after that, first new iteration after the kill. */
const BARS = { dead: 5, relaunch: 3, first: 12 };
const EVERY = 20;
const LIMIT_MS = 300_000;
/** A rank that is stopped by a signal never ends by itself, and its launcher waits for it: nobody looks for longer. */
const PATIENCE_MS = 2 * COLLECTIVE_TIMEOUT_MS;

const { startRun, watchRun, cancelRun } = await import(`${ROOT}/dist/client/runs.js`);
const { quote } = await import(`${ROOT}/dist/domain/text/shell-quote.js`);
const { applySets } = await import(`${ROOT}/dist/domain/spec/edit-spec.js`);
const { listProcesses } = await import(`${ROOT}/dist/host/processes/proc.js`);

const random = seededRandom(Number(values.seed));
process.stdout.write(`seed ${values.seed}, ${trials} trials each; seconds after the fault, median (all)\n`);

await withDev(async ({ home, client }) => {
  const rows = [];
  const measured = [];
  for (let trial = 1; trial <= trials; trial += 1) measured.push(await throughTemper(home, client, trial, 'SIGKILL'));
  rows.push(['Temper, rank killed', measured]);
  if (!values.quick)
    rows.push(['Temper, rank stopped (SIGSTOP)', [await throughTemper(home, client, 'stop', 'SIGSTOP')]]);
  const launch = launchOf(home, 'temper-1');
  const plain = [];
  for (let trial = 1; trial <= trials; trial += 1) plain.push(await byLoops(home, launch, `loop-${trial}`, 'SIGKILL'));
  rows.push(['torchrun in loops, rank killed', plain]);
  if (!values.quick) {
    rows.push(['torchrun in loops, rank stopped', [await byLoops(home, launch, 'loop-stop', 'SIGSTOP')]]);
    rows.push([
      `torchrun in loops, peers notice after ${COLLECTIVE_TIMEOUT_MS / 1000} s (simulated)`,
      [await byLoops(home, launch, 'loop-late', 'SIGKILL', COLLECTIVE_TIMEOUT_MS)],
    ]);
  }
  for (const [name, list] of rows) process.stdout.write(`${describe(name, list)}\n`);
  const times = Object.fromEntries(
    ['dead', 'relaunch', 'first'].map((key) => [key, median(measured.map((one) => one[key]))]),
  );
  const isWithin = times.dead <= BARS.dead && times.relaunch - times.dead <= BARS.relaunch && times.first <= BARS.first;
  process.stdout.write(
    `bars: dead ${BARS.dead}, relaunch ${BARS.relaunch} after that, first new iteration ${BARS.first}: ${isWithin ? 'kept' : 'MISSED'}\n`,
  );
  process.exitCode = isWithin ? 0 : 1;
});

/** One run of the tiny pipeline whose training loses a rank between two checkpoints. */
async function throughTemper(home, client, trial, signal) {
  const name = `temper-${trial}`;
  const sets = [
    ['name', name],
    ['workspace', join(home, 'ws')],
    ['weights.source', `"seed:${1 + weightsSeed(trial)}"`],
    ['train.iterations', '200'],
    ['train.checkpoint.every', String(EVERY)],
  ].map(([path, value]) => ({ path, value }));
  const example = join(ROOT, 'examples/tiny.yaml');
  const specText = applySets(readFileSync(example, 'utf8'), sets).text;
  await startRun(client, { specText, file: example, run: null, isNew: false, from: null, until: 'train' });
  const logs = (attempt) => keeperDirs(home, new RegExp(`^${name}\\.train\\.h\\d+\\.${attempt}-`));
  const result = await hit({
    mark: `${home}/hosts`,
    isRank: (text) => text.includes('/train.py') && text.includes(`/runs/${name}/`),
    before: () => logs(1).flatMap(rankOutputs),
    after: () => logs(2).flatMap(rankOutputs),
    signal,
  });
  await cancelRun(client, name);
  for await (const status of watchRun(client, name, { pollMs: 500 })) void status;
  return result;
}

/** Weights of their own for each trial: a training of equal ones would be continued. */
function weightsSeed(trial) {
  return typeof trial === 'number' ? trial : 99;
}

/** The commands of the first run, as a person starts them on each host: again and again, from the last checkpoint. */
async function byLoops(home, launch, name, signal, lateMs = 0) {
  const dir = join(home, name);
  mkdirSync(join(dir, 'ckpt'), { recursive: true });
  const children = launch.map(({ argv, env }, node) => {
    const logs = join(dir, `logs-${node}-`);
    const converted = argv[argv.indexOf('--load') + 1];
    const line = argv
      .map((one, index) => {
        if (argv[index - 1] === '--save') return quote(join(dir, 'ckpt'));
        if (argv[index - 1] === '--load') return '"$load"';
        return argv[index - 1] === '--log-dir' ? `${quote(logs)}"$try"` : quote(one);
      })
      .join(' ');
    const script = join(dir, `host-${node}.sh`);
    writeFileSync(
      script,
      `try=0
while true; do
  try=$((try + 1)); load=${quote(converted)}
  [ -s ${quote(join(dir, 'ckpt', 'latest_checkpointed_iteration.txt'))} ] && load=${quote(join(dir, 'ckpt'))}
  mkdir -p ${quote(logs)}"$try"
  ${line} && break
done
`,
    );
    return spawn('bash', [script], { env: { ...process.env, ...env }, stdio: 'ignore', detached: true, cwd: dir });
  });
  try {
    const tries = (test) =>
      readdirSync(dir)
        .filter((entry) => /^logs-\d+-\d+$/.test(entry) && test(Number(entry.split('-')[2])))
        .flatMap((entry) => torchrunOutputs(join(dir, entry)));
    return await hit({
      isRank: (text) => text.includes('/train.py') && text.includes(dir) && !text.includes('torch.distributed.run'),
      before: () => tries((number) => number === 1),
      after: () => tries((number) => number > 1),
      signal,
      lateMs,
    });
  } finally {
    for (const child of children) process.kill(-child.pid, 'SIGKILL');
    for (;;) {
      const left = pidsWith((text) => text.includes(dir));
      if (left.length === 0) break;
      for (const pid of left) kill(pid, 'SIGKILL');
      await sleep(50);
    }
  }
}

/** Waits for two ranks past a checkpoint, hits one of them at a random moment, and tells what happened when. */
async function hit({ isRank, before, after, signal, lateMs = 0 }) {
  const ranks = await until('two ranks', () => {
    const pids = pidsWith((text) => isRank(text) && !text.includes('torch.distributed.run'));
    return pids.length === 2 ? pids : null;
  });
  await until('a checkpoint', () => (lastIteration(before()) > EVERY + 1 ? true : null));
  await sleep(random() * 3_000);
  const [victim, other] = random() < 0.5 ? ranks : ranks.toReversed();
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  kill(victim, signal);
  // A peer that waits in a collective notices nothing until it times out: here it is frozen for that long.
  if (lateMs > 0) {
    kill(other, 'SIGSTOP');
    setTimeout(() => kill(other, 'SIGCONT'), lateMs);
  }
  const step = (look) => within(PATIENCE_MS, () => (look() ? seconds() : null));
  const dead = await step(() => !ranks.some(isAlive));
  if (dead === null) return { dead: Infinity, relaunch: Infinity, first: Infinity };
  const relaunch = await step(
    () => pidsWith((text) => isRank(text)).some((pid) => !ranks.includes(pid)) || after().length > 0,
  );
  const first = relaunch === null ? null : await step(() => lastIteration(after()) > 0);
  return { dead, relaunch: relaunch ?? Infinity, first: first ?? Infinity };
}

function lastIteration(files) {
  let last = 0;
  for (const file of files) {
    for (const match of readText(file).matchAll(/ iteration\s+(\d+)\//g)) last = Math.max(last, Number(match[1]));
  }
  return last;
}

function keeperDirs(home, pattern) {
  return ['laptop-1', 'laptop-2'].flatMap((host) => {
    const keepers = join(home, 'hosts', host, 'keepers');
    return readdirSync(keepers)
      .filter((id) => pattern.test(id))
      .map((id) => join(keepers, id));
  });
}

function rankOutputs(dir) {
  return readdirSync(dir)
    .filter((name) => /^rank-\d+\.out$/.test(name))
    .map((name) => join(dir, name));
}

function torchrunOutputs(dir) {
  return readdirSync(dir, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('stdout.log'))
    .map((path) => join(dir, path));
}

/** What the keepers of a run's first attempt started, by node, with the folder of the converted weights to load. */
function launchOf(home, run) {
  return keeperDirs(home, new RegExp(`^${run}\\.train\\.h\\d+\\.1-`))
    .map((dir) => JSON.parse(readFileSync(join(dir, 'request.json'), 'utf8')))
    .sort((a, b) => a.id.localeCompare(b.id));
}

function pidsWith(test) {
  return listProcesses()
    .filter(
      ({ pid, isAlive: alive }) =>
        alive && pid !== process.pid && test(readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')),
    )
    .map(({ pid }) => pid);
}

function isAlive(pid) {
  return !/^$|\) Z /.test(readText(`/proc/${pid}/stat`));
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile.
  }
}

function readText(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

async function until(what, look) {
  const found = await within(LIMIT_MS, look);
  if (found === null) throw new Error(`waited ${LIMIT_MS / 1000} s in vain for ${what}`);
  return found;
}

/** What a look finds, or null after the limit. */
async function within(limitMs, look) {
  for (const startedAt = performance.now(); performance.now() - startedAt < limitMs; await sleep(20)) {
    const found = look();
    if (found !== null) return found;
  }
  return null;
}

function describe(name, list) {
  const shown = (value) => (value === Infinity ? `not within ${PATIENCE_MS / 1000} s` : value.toFixed(1));
  const of = (key) => {
    const values = list.map((one) => one[key]);
    return `${shown(median(values))} (${values.map(shown).join(', ')})`;
  };
  return `${name.padEnd(62)} dead ${of('dead')}  relaunched ${of('relaunch')}  first iteration ${of('first')}`;
}
