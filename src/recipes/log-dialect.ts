/** What a training is doing, as its log tells. */
export type TrainingPhase = 'starting' | 'loading' | 'preparing' | 'training' | 'saving' | 'done';

/** What a log says of one iteration. */
export interface IterationReading {
  readonly iteration: number;
  readonly of: number;
  /** null: the line had no loss, which means not a number unless the iteration was skipped. */
  readonly loss: number | null;
  /** The optimizer skipped it for an overflow of its scaled gradients, and will try a smaller scale: nothing is lost. */
  readonly isSkipped?: boolean;
  readonly learningRate: number | null;
  readonly gradNorm: number | null;
  readonly elapsedMs: number | null;
  readonly consumedSamples: number | null;
  readonly globalBatchSize?: number | null;
  /** Mean over the samples of the iteration; not every training tells it. */
  readonly tokensPerSample?: number | null;
}

/** What one line of a log says. */
export type LogEvent =
  | ({ readonly kind: 'iteration' } & IterationReading)
  | {
      readonly kind: 'phase';
      readonly phase: TrainingPhase;
      readonly text: string;
      /** Between these two the ranks prepare the rows; `at` in ms by the host's own clock, without a zone. */
      readonly rows?: { readonly mark: 'begin' | 'end'; readonly at: number };
    }
  | { readonly kind: 'saved'; readonly iteration: number }
  | { readonly kind: 'frozen'; readonly modules: readonly string[] }
  /** A line that says that all is well with something, such as that no tensor was missing. */
  | { readonly kind: 'told'; readonly id: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'fatal'; readonly id: string; readonly text: string };

/** How the training code speaks: one line of a rank's log to what it means; several events where lines were glued. */
export interface LogDialect {
  read(line: string): readonly LogEvent[];
  /** Ids of `told` lines that rank 0 prints after each load, of converted weights as of a checkpoint: none may be absent. */
  readonly mustTell?: readonly string[];
}
