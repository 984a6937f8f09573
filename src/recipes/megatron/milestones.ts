import type { TrainingPhase } from '../log-dialect.js';

/** A line that rank 0 prints once at a known point of a run, and the phase that begins with it. */
export interface Milestone {
  readonly id: string;
  readonly phase: TrainingPhase;
  /** Text that the line holds, wherever in it. */
  readonly text: string;
}

/**
 * In the order in which they are printed. Texts are those of Megatron-LM core_v0.12.1 and the training code on top of
 * it; a line counts as the first one that it holds.
 */
export const MILESTONES: readonly Milestone[] = [
  { id: 'world-known', phase: 'starting', text: 'using world size:' },
  { id: 'distributed-initializing', phase: 'starting', text: '> initializing torch distributed' },
  { id: 'initialized', phase: 'starting', text: '[after megatron is initialized] datetime:' },
  { id: 'model-building', phase: 'loading', text: 'building VLMModel' },
  { id: 'model-built', phase: 'loading', text: '> load model successfully' },
  { id: 'load-release', phase: 'loading', text: 'loading release checkpoint from' },
  { id: 'load-iteration', phase: 'loading', text: 'loading checkpoint from' },
  { id: 'loaded', phase: 'preparing', text: 'successfully loaded checkpoint from' },
  {
    id: 'model-ready',
    phase: 'preparing',
    text: '[after model, optimizer, and learning rate scheduler are built] datetime:',
  },
  { id: 'data-building', phase: 'preparing', text: '> building train, validation, and test datasets' },
  { id: 'data-converting', phase: 'preparing', text: 'Converting format of dataset' },
  { id: 'data-tokenizing', phase: 'preparing', text: 'running tokenizer on' },
  { id: 'data-ready', phase: 'preparing', text: '[after dataloaders are built] datetime:' },
  { id: 'setup-done', phase: 'preparing', text: 'done with setup ...' },
  { id: 'training-starts', phase: 'training', text: '[before the start of training step] datetime:' },
  { id: 'save-starts', phase: 'saving', text: 'saving checkpoint at iteration' },
  { id: 'training-ends', phase: 'done', text: '[after training is done] datetime:' },
];

/** The milestone that a line is, or null. */
export function findMilestone(line: string): Milestone | null {
  return MILESTONES.find(({ text }) => line.includes(text)) ?? null;
}

/** A checkpoint that a line says was written. It counts as one only after its files were verified. */
export function parseSaved(line: string): { readonly iteration: number } | null {
  const iteration = /successfully saved checkpoint from iteration\s{1,16}(\d{1,15})\b/.exec(line)?.[1];
  return iteration === undefined ? null : { iteration: Number(iteration) };
}

/** Why a run says that it stops before its last iteration; such runs exit with status 0. */
export type EarlyExit =
  | { readonly reason: 'signal' }
  | { readonly reason: 'duration' }
  | { readonly reason: 'iteration'; readonly iteration: number };

/** Reads the line of a planned early stop, or null. */
export function parseEarlyExit(line: string): EarlyExit | null {
  if (line.includes('[exiting program after receiving SIGTERM.]')) return { reason: 'signal' };
  const iteration = /\[exiting program at iteration (\d{1,15})\]/.exec(line)?.[1];
  if (iteration !== undefined) return { reason: 'iteration', iteration: Number(iteration) };
  return /\[exiting program after [\d.]{1,15} minutes\]/.test(line) ? { reason: 'duration' } : null;
}

/** Losses of an evaluation by key, such as `loss`. */
export interface ValidationLine {
  readonly iteration: number;
  readonly values: ReadonlyMap<string, number>;
}

/** Reads a line with the results of an evaluation, or null. */
export function parseValidation(line: string): ValidationLine | null {
  const start = /validation loss at iteration\s{1,16}(\d{1,15})\b/.exec(line);
  if (start === null) return null;
  const rest = line.slice(start.index, start.index + MAX_VALIDATION_CHARS);
  const values = [...rest.matchAll(/\| ([^|:]{1,64}) value: (\S{1,32})/g)].map(([, key = '', value = '']) => {
    return [key.trim(), Number(value)] as const;
  });
  return { iteration: Number(start[1]), values: new Map(values) };
}

/** A pair of fields per loss key; a few keys at most. */
const MAX_VALIDATION_CHARS = 4096;
