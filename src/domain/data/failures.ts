import type { DataConvertReport } from '../../schemas/data.js';

interface FailureRow {
  readonly why: string;
  readonly fix: string;
  readonly retryable: boolean;
}

/** The closed table of reasons for which a conversion or a check cannot be carried out at all. */
export const DATA_FAILURES = {
  'data/annotations-unreadable': {
    why: 'The rows come from this file and it cannot be read.',
    fix: 'Check the path and the permissions; the file must be readable on the host that runs this.',
    retryable: false,
  },
  'data/images-unreadable': {
    why: 'Without a listing of the images folder nobody knows which rows have their image.',
    fix: 'Check the path and the permissions; unpack the images first.',
    retryable: false,
  },
  'data/output-unwritable': {
    why: 'The result is written beside its final name and renamed into place, so its folder must be writable.',
    fix: 'Create the folder, free disk space or choose another --output.',
    retryable: false,
  },
  'data/output-is-input': {
    why: 'The output would replace the annotations it is made from.',
    fix: 'Choose another --output.',
    retryable: false,
  },
  'data/broken-annotations': {
    why: 'The annotations are not one sound JSON array of rows; nothing was written.',
    fix: 'Repair the file at the given place, or fetch it again.',
    retryable: false,
  },
  'data/nothing-kept': {
    why: 'Training on an empty data set dies after the model was loaded; nothing was written.',
    fix: 'Most often the images folder is wrong or not unpacked; see the reasons with their examples.',
    retryable: false,
  },
  'data/too-many-dropped': {
    why: 'So many rows cannot be used that the result is not the data set that was asked for; nothing was written.',
    fix: 'Repair what the reasons name, or accept the loss with --max-dropped.',
    retryable: false,
  },
  'data/bad-option': {
    why: 'The value has no meaning here.',
    fix: 'Correct the option.',
    retryable: false,
  },
} as const satisfies Record<string, FailureRow>;

/** Id of a data failure. */
export type DataFailureId = keyof typeof DATA_FAILURES;

/** A conversion or check that could not be carried out: what, where, why, how to fix it, retryable or not. */
export class DataFailure extends Error {
  override readonly name = 'DataFailure';
  readonly id: DataFailureId;
  readonly what: string;
  readonly where: string;
  readonly why: string;
  readonly fix: string;
  readonly retryable: boolean;
  /** The counts of a conversion that ran to its end and was refused for what it dropped. */
  readonly report: DataConvertReport | undefined;

  constructor(id: DataFailureId, facts: { what: string; where: string; report?: DataConvertReport; cause?: unknown }) {
    const { why, fix, retryable } = DATA_FAILURES[id];
    super(`${facts.what} (${facts.where}). ${why} ${fix}`, { cause: facts.cause });
    this.id = id;
    this.what = facts.what;
    this.where = facts.where;
    this.why = why;
    this.fix = fix;
    this.retryable = retryable;
    this.report = facts.report;
  }
}
