import { readFile, rm } from 'node:fs/promises';
import { errorText } from '../../domain/text/error-text.js';
import { TemperError } from '../../domain/errors.js';
import type { Metrics } from '../../schemas/retrain.js';
import { tailLog } from '../processes/tail.js';

/** Numbers that a result carries through Temporal. */
const MOST_METRICS = 50;
const LINE_BYTES = 65_536;
/** What Python's `json` writes for such a loss, and JSON does not have; texts are met first, so that they stay. */
const NO_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;
const NAME = /^[A-Za-z]\w{0,63}$/;

/** The numbers that an evaluation wrote: a JSON file, or the last line of its output. Others than finite numbers are left out. */
export async function readMeasured(path: string, isFile: boolean): Promise<Metrics> {
  const text = isFile ? await readText(path) : await lastLine(path);
  const value = parse(text, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw failed(path, 'it is no JSON object of numbers', text);
  const metrics = Object.entries(value).filter(
    (entry): entry is [string, number] => Number.isFinite(entry[1]) && entry[0] !== 'v' && NAME.test(entry[0]),
  );
  return Object.fromEntries(metrics.slice(0, MOST_METRICS));
}

/** Removes what an earlier evaluation wrote. */
export function forgetMeasured(file: string): Promise<void> {
  return rm(file, { force: true });
}

async function lastLine(path: string): Promise<string> {
  const { lines } = await tailLog(path, { maxBytes: LINE_BYTES, maxLines: 20 });
  return lines.findLast((line) => line.trim() !== '') ?? '';
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw failed(path, errorText(error), '');
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replaceAll(NO_NUMBERS, (part) => (part.startsWith('"') ? part : 'null')));
  } catch (error) {
    throw failed(path, errorText(error), text);
  }
}

function failed(where: string, why: string, text: string): TemperError {
  return new TemperError('EvaluationFailed', {
    where,
    what: 'the evaluation left no numbers',
    why,
    evidence: text === '' ? [] : [text.slice(0, 300)],
  });
}
