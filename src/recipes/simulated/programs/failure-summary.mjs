import { timestamp } from './training-log.mjs';

const TITLE = 'Root Cause (first observed failure):';
/** The path of torch's file that prints such lines, as people know it from their logs. */
const API = 'torch/distributed/elastic/multiprocessing/api.py';

/**
 * A line as torch's logger prints it: `E1123 19:45:00.996000 2328 torch/…/api.py:1002] text`.
 * @param {'E' | 'W'} level
 * @param {string} text
 */
export function logLine(level, text) {
  const now = new Date();
  const [date, time] = timestamp(now).split(' ');
  const micros = `${String(now.getMilliseconds()).padStart(3, '0')}000`;
  return `${level}${date.slice(5).replace('-', '')} ${time}.${micros} ${process.pid} ${API}:1002] ${text}\n`;
}

/**
 * torchrun's account of a failure: which rank failed first, and which others did.
 * @param {{ program: string, nodeRank: number, ranksPerNode: number }} plan
 * @param {import('./local-ranks.mjs').RankEnd} first
 * @param {readonly import('./local-ranks.mjs').RankEnd[]} others
 */
export function failureSummary({ program, nodeRank, ranksPerNode }, first, others) {
  const describe = (end, index) => describeRank(end, index, nodeRank * ranksPerNode);
  const heading = `${program} FAILED`;
  const width = Math.max(60, heading.length);
  return [
    'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ',
    '='.repeat(width),
    heading,
    '-'.repeat(width),
    'Failures:',
    ...(others.length === 0 ? ['  <NO_OTHER_FAILURES>'] : others.map((end, index) => describe(end, index + 1))),
    '-'.repeat(width),
    TITLE,
    describe(first, 0),
    '='.repeat(width),
    '',
  ].join('\n');
}

function describeRank({ localRank, pid, code, signal, at }, index, baseRank) {
  const isSignal = signal !== null;
  const traceback = isSignal
    ? `Signal ${-code} (${signal}) received by PID ${pid}`
    : 'To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html';
  return [
    `[${index}]:`,
    `  time      : ${timestamp(at).replace(' ', '_')}`,
    '  host      : localhost',
    `  rank      : ${baseRank + localRank} (local_rank: ${localRank})`,
    `  exitcode  : ${code} (pid: ${pid}) ${isSignal ? ` (${signal})` : ''}`,
    '  error_file: <N/A>',
    `  traceback : ${traceback}`,
  ].join('\n');
}
