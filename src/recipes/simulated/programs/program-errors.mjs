/** Input that a person can correct; its text says what, where, why and the fix in one line. Exit status 2. */
export class BadInput extends Error {
  name = 'BadInput';
}

/** An error that the imitated Python code would have raised: told as a traceback. Exit status 1. */
export class PythonError extends Error {
  /**
   * @param {string} type class of the exception as Python prints it, such as `RuntimeError`
   * @param {string} message
   */
  constructor(type, message) {
    super(message);
    this.name = type;
  }
}

/** A collective that failed because of another rank. */
export class CollectiveError extends PythonError {
  /** @param {string} message */
  constructor(message) {
    super('RuntimeError', message);
  }
}

/** A frame of a V8 stack: function (if any), file, line. */
const FRAME = /^\s+at (?:(?:async |new )?(\S+)(?: \[as \w+\])? \()?(?:file:\/\/)?([^():]+):(\d+):\d+\)?$/;

/**
 * An error as the traceback that Python would print for it, the innermost frame last.
 * @param {Error} error
 * @param {string} [prefix] in front of every line, such as `[rank3]: `
 */
export function formatTraceback(error, prefix = '') {
  const frames = (error.stack ?? '')
    .split('\n')
    .map((line) => FRAME.exec(line))
    .filter((frame) => frame !== null && !frame[2].startsWith('node:'))
    .map(([, name = '<module>', file, line]) => `  File "${file}", line ${line}, in ${name}`)
    .toReversed();
  const end = error.message === '' ? error.name : `${error.name}: ${error.message}`;
  return ['Traceback (most recent call last):', ...frames, end].map((line) => `${prefix}${line}\n`).join('');
}

/**
 * Runs the body of a program that is no rank: bad input and files that are not there are one line and status 2,
 * anything else is a traceback and status 1.
 * @param {() => Promise<void>} main
 */
export async function runProgram(main) {
  try {
    await main();
  } catch (error) {
    const isUsers = error instanceof BadInput || ['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(error.code);
    process.stderr.write(isUsers ? `error: ${error.message}\n` : formatTraceback(error));
    process.exitCode = isUsers ? 2 : 1;
  }
}
