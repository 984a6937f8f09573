import { processEnv } from '../config.js';

/** A stream that text is written to; `columns` is the width of a terminal in characters. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Everything that a command gets from outside, so that tests run it without a process of its own. */
export interface CliIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder that relative paths on the command line are taken from. */
  readonly cwd: string;
  /** Asks a yes/no question; false when nobody can answer. */
  confirm(question: string): Promise<boolean>;
  /** Calls `listener` on the first Ctrl-C or SIGTERM; the second one ends the process as usual. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/** The io of the real process. */
export function processIo(): CliIo {
  // A reader that went away (`temper ls | head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: processEnv(),
    cwd: process.cwd(),
    confirm,
    onInterrupt,
  };
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

function onInterrupt(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const off = (): void => {
    for (const signal of signals) process.off(signal, once);
  };
  const once = (): void => {
    off();
    listener();
  };
  for (const signal of signals) process.on(signal, once);
  return off;
}
