import { styleText } from 'node:util';
import type { Problem } from '../schemas/problem.js';
import type { CliIo, TextSink } from './io.js';
import { problemFrame } from './render/frame.js';

/** Forms of a result: text for people, one JSON document, or one JSON document per line and event. */
export type OutputFormat = 'text' | 'json' | 'jsonl';
/** What `--color` may say. */
export type ColourChoice = 'auto' | 'always' | 'never';
/** Looks that a text may have. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** Puts a style around a text, or leaves it as it is where colours are off. */
export type Paint = (style: Style, text: string) => string;

/** The only way to stdout and stderr. stdout carries results and nothing else; all other text goes to stderr. */
export interface Output {
  readonly format: OutputFormat;
  /** Colours for results on stdout. */
  readonly paint: Paint;
  /** Colours for stderr. */
  readonly paintNote: Paint;
  /** Whether somebody watches stderr on a terminal, so that lines may be redrawn. */
  readonly isLive: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Writes the result: `data` as JSON, or the text made by `text`. */
  result(data: unknown, text: (paint: Paint) => string): void;
  /** Writes one event of a stream of results (jsonl only). */
  event(data: unknown): void;
  /** Tells something beside the result: a line on stderr. */
  note(text: string): void;
  /** Writes raw text to stderr, for live regions. */
  raw(text: string): void;
  /** Tells an error as a frame on stderr; `excerpt` shows the place in a file. */
  problem(problem: Problem, excerpt?: readonly string[]): void;
}

/** Makes the output of one command. */
export function createOutput(
  io: Pick<CliIo, 'stdout' | 'stderr' | 'env'>,
  format: OutputFormat,
  colour: ColourChoice,
): Output {
  const paint = painter(hasColour(io.stdout, io.env, colour));
  const paintNote = painter(hasColour(io.stderr, io.env, colour));
  return {
    format,
    paint,
    paintNote,
    isLive: io.stderr.isTTY === true && io.env['TERM'] !== 'dumb' && format !== 'jsonl',
    columns: io.stderr.columns ?? 80,
    result(data, text) {
      if (format === 'text') io.stdout.write(endLine(text(paint)));
      else io.stdout.write(`${JSON.stringify(data, null, format === 'json' ? 2 : 0)}\n`);
    },
    event(data) {
      io.stdout.write(`${JSON.stringify(data)}\n`);
    },
    note(text) {
      io.stderr.write(endLine(text));
    },
    raw(text) {
      io.stderr.write(text);
    },
    problem(problem, excerpt = []) {
      io.stderr.write(endLine(problemFrame(problem, excerpt, paintNote)));
    },
  };
}

/** `--color` decides, then NO_COLOR, then FORCE_COLOR, then whether the stream is a capable terminal. */
export function hasColour(stream: TextSink, env: CliIo['env'], choice: ColourChoice): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function painter(isOn: boolean): Paint {
  // `validateStream` would look at process.stdout; the decision was made above.
  return (style, text) => (isOn ? styleText(style, text, { validateStream: false }) : text);
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
