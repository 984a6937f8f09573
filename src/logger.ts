import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/common';
import { pino, type LogFn, type Logger } from 'pino';
import { runOfWorkflowId } from './domain/ids.js';
import { loggable } from './loggable.js';

/** Where log lines go; stderr of the process unless a test reads them. */
export interface LogStream {
  write(line: string): void;
}

/**
 * JSON log of a process on stderr; stdout belongs to results. Whatever is logged, secrets of any depth are left out:
 * a `taskToken`, which the SDK puts into its own metadata, lets its bearer complete the activity. The one door that
 * pino leaves open are the bindings of child loggers, so there are none.
 */
export function makeLogger(
  level: string,
  bindings: Readonly<Record<string, unknown>> = {},
  stream: LogStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: withoutSecrets(bindings),
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors are plain objects by then; pino's own serializer would take them for errors of its kind.
      serializers: { err: (error: unknown) => error },
      hooks: { logMethod: sayFirst },
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets, bindings: withoutSecrets },
    },
    stream,
  );
}

/** What happened stands before its facts, which may be long; pino would write it behind them. */
function sayFirst(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [fields, message, ...rest] = args as readonly unknown[];
  if (typeof fields !== 'object' || fields === null || typeof message !== 'string' || rest.length > 0)
    return method.apply(this, args);
  // The last one keeps a field of that name from taking its place.
  method.call(this, Object.assign({ msg: message }, fields, { msg: message }));
}

/** Levels of the SDK by those of pino. */
const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** The SDK's log through ours, so that one format and one redaction hold for everything. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    const { error, ...rest } = meta ?? {};
    const err = error === undefined ? {} : { err: error };
    logger[LEVELS[level]]({ ...whose(rest['workflowId']), ...rest, ...err }, message);
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

/** Run and stage of a line that names only its workflow. */
function whose(workflowId: unknown): { readonly run?: string; readonly stage?: string } {
  if (typeof workflowId !== 'string') return {};
  const [, parent] = /^(.+)\/train$/.exec(workflowId) ?? [];
  const run = runOfWorkflowId(parent ?? workflowId);
  return run === null ? {} : { run, ...(parent === undefined ? {} : { stage: 'train' }) };
}

function withoutSecrets(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => loggable(key, value)));
}
