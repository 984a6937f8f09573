import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Interrupted, SetupError } from './setup-error.js';

/** A line on a terminal is redrawn this often; elsewhere a new line is due only every NOTE_MS. */
const REDRAW_MS = 500;
const NOTE_MS = 15_000;
/** Lines of a failed command that are shown; the log file has all of them. */
const TAIL_LINES = 15;
/** Columns of the newest output line that fit behind title and time on a usual terminal. */
const HINT_COLUMNS = 60;

/**
 * Runs one command of set-up with its output in a log file, showing that and how long it works.
 * @param {object} step
 * @param {string} step.title what the person reads
 * @param {string} step.command
 * @param {readonly string[]} step.args
 * @param {string} step.cwd
 * @param {string} step.logFile appended to
 * @param {string} step.fix what to do when it fails
 * @param {NodeJS.ProcessEnv} [step.env] defaults to our own
 * @param {string} [step.failWord] what progress says of a failure; "failed" would alarm where it is one of the answers
 * @param {(line: string) => string | null} [step.veto] looks at each line; a text stops the command for that reason
 * @returns {Promise<string>} all output
 * @throws SetupError when the command fails, is vetoed or cannot be started
 * @throws Interrupted when we got a signal while it ran, whatever the command made of that
 */
export async function runStep(step) {
  mkdirSync(dirname(step.logFile), { recursive: true });
  const log = createWriteStream(step.logFile, { flags: 'a', mode: 0o600 });
  log.write(`$ ${hidePasswords(`${step.command} ${step.args.join(' ')}`)}\n`);
  let child = null;
  let signalled = null;
  const stopChild = (signal) => {
    signalled = signal;
    child?.kill('SIGTERM');
  };
  // Before the command starts: a signal between the two would end us and leave it running.
  process.on('SIGTERM', stopChild);
  process.on('SIGINT', stopChild);
  child = spawn(step.command, step.args, { cwd: step.cwd, env: step.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const progress = showProgress(step.title);
  const output = collect(child, log, progress, step.veto);
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? null : signal === null ? `exit status ${code}` : signal),
    );
  });
  process.off('SIGTERM', stopChild);
  process.off('SIGINT', stopChild);
  // Whoever is told of the log finds all of it there.
  await new Promise((resolve) => log.end(resolve));
  const reason = output.vetoed() ?? outcome;
  progress.end(signalled !== null ? 'interrupted' : reason === null ? 'done' : (step.failWord ?? 'failed'));
  if (signalled !== null) throw new Interrupted(signalled);
  if (reason === null) return output.text();
  const tail = output.text().trimEnd().split('\n').slice(-TAIL_LINES);
  throw new SetupError({
    what: `${step.title} failed: ${reason}`,
    why: `its last lines (all in ${step.logFile}):\n${tail.map((line) => `    ${line}`).join('\n')}`,
    fix: step.fix,
  });
}

function collect(child, log, progress, veto) {
  let text = '';
  let pending = '';
  let vetoed = null;
  const take = (whole) => {
    if (whole === '') return;
    const shown = hidePasswords(whole);
    text += shown;
    log.write(shown);
    for (const line of shown.split(/[\r\n]+/).filter((one) => one.trim() !== '')) {
      progress.hint(line.trim());
      vetoed ??= veto?.(line) ?? null;
    }
  };
  // Whole lines only: an address may come in two parts.
  const onData = (chunk) => {
    const all = pending + chunk;
    const end = Math.max(all.lastIndexOf('\n'), all.lastIndexOf('\r')) + 1;
    pending = all.slice(end);
    take(all.slice(0, end));
    if (vetoed !== null) child.kill('SIGKILL');
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onData);
  child.once('close', () => take(pending));
  return { text: () => text, vetoed: () => vetoed };
}

/** A text without user and password of the addresses in it: indexes are named with them, logs are passed on. */
function hidePasswords(text) {
  return text.replaceAll(/(:\/\/)[^/\s"'?#]+@/g, '$1…@');
}

/** Shows title, seconds and newest output line: one redrawn line on a terminal, sparse lines elsewhere. */
function showProgress(title) {
  const out = process.stderr;
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0);
  let hint = '';
  const redraw = () => out.write(`\r\x1b[2K  ${title} ... ${seconds()} s  ${hint.slice(0, HINT_COLUMNS)}`);
  const note = () => out.write(`  ${title} ... ${seconds()} s  ${hint.slice(0, HINT_COLUMNS)}\n`);
  if (!out.isTTY) out.write(`  ${title} ...\n`);
  const timer = setInterval(out.isTTY ? redraw : note, out.isTTY ? REDRAW_MS : NOTE_MS);
  return {
    hint: (line) => (hint = line),
    end: (word) => {
      clearInterval(timer);
      const clear = out.isTTY ? '\r\x1b[2K' : '';
      out.write(`${clear}  ${title}: ${word} after ${seconds()} s\n`);
    },
  };
}
