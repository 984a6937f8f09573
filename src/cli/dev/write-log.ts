import { createInterface } from 'node:readline';
import { makeLogger } from '../../logger.js';
import { foreignLine, isOwnLine } from './log-line.js';
import { openRotatingLog } from './rotating-log.js';

/**
 * The program that writes the log of one service of `temper dev`: `write-log.js FILE ROLE MAX_BYTES KEEP`. It reads
 * what the service says and ends with it, not with dev: when dev is killed, the service lives on and its lines are
 * kept. What is no line of our own logger, such as all of the Temporal server's, goes through that logger.
 */
const [file = '', role = '', maxBytes, keep] = process.argv.slice(2);
// Who ends a service says so to its writer too, which still has its last lines to write.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
const log = openRotatingLog(file, { maxBytes: Number(maxBytes), keep: Number(keep) });
const [kind, host] = role.split(':');
const logger = makeLogger('trace', { role: kind, ...(host === undefined ? {} : { host }) }, log);
for await (const line of createInterface({ input: process.stdin })) {
  if (isOwnLine(line)) {
    log.write(`${line}\n`);
    continue;
  }
  const { level, fields, message } = foreignLine(line);
  logger[level](fields, message);
}
