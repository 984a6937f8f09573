/** What differs in the training between commits of MindSpeed-MM, as data. */
export interface TrainingRevision {
  readonly ref: string;
  readonly date: string;
  /**
   * Where the way of averaging the loss is said: `modelFile` is `loss_cfg.loss_type`, `flag` is an argument. The two
   * exclude each other: given both, the loss is scaled twice. The change is commit 7faba631 of 2026-01-07.
   */
  readonly lossIn: 'modelFile' | 'flag';
}

/** Commits whose example configuration is known, the default first. */
export const TRAINING_REVISIONS: readonly TrainingRevision[] = [
  { ref: '840612c5c1a120d4c46d3c18d52397687df413db', date: '2026-01-12', lossIn: 'modelFile' },
  { ref: '5ab74768ada91c79f8474172a5c4a8c5b0b1af2f', date: '2025-11-29', lossIn: 'flag' },
];

/** The known revision that a ref names, by its full id or at least seven of its first digits; null for any other. */
export function knownRevision(ref: string): TrainingRevision | null {
  return TRAINING_REVISIONS.find((one) => one.ref === ref || (ref.length >= 7 && one.ref.startsWith(ref))) ?? null;
}

/** The revision that a ref is treated as: unknown ones are taken for later than the default. */
export function trainingRevision(ref: string | undefined): TrainingRevision {
  const [newest] = TRAINING_REVISIONS;
  if (newest === undefined) throw new TypeError('the recipe knows no revision');
  return ref === undefined ? newest : (knownRevision(ref) ?? { ...newest, ref });
}
