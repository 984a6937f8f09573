import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/common';
import { pino, type Logger } from 'pino';

/**
 * Keys that are never logged. A `taskToken` lets its bearer complete the activity, and the SDK puts it into
 * its own log metadata, for standalone activities too.
 */
const REDACTED = ['taskToken', '*.taskToken', 'apiKey', '*.apiKey', 'token', '*.token', 'authorization', '*.authorization'];

/** JSON log of a process on stderr; stdout belongs to results. */
export function makeLogger(level: string, bindings: Readonly<Record<string, unknown>> = {}): Logger {
  return pino(
    {
      level,
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, remove: true },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** Levels of the SDK by those of pino. */
const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** The SDK's log through ours, so that one format and one redaction hold for everything. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    const { taskToken: _secret, error, ...rest } = meta ?? {};
    logger[LEVELS[level]]({ ...withoutBigInts(rest), ...(error === undefined ? {} : { err: error }) }, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

/** JSON has no 64-bit integers; the SDK's metadata has some. */
function withoutBigInts(meta: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]),
  );
}
