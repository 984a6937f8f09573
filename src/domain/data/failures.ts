import type { DataConvertReport } from '../../schemas/data.js';
import { TemperError } from '../errors.js';
import type { ErrorCode } from '../errors.js';

interface FailureRow {
  /** Row of the error catalogue that decides exit status and retries. */
  readonly code: ErrorCode;
  readonly why: string;
  readonly fix: string;
}

/** The closed table of reasons for which a conversion or a check cannot be carried out at all. */
export const DATA_FAILURES = {
  'data/annotations-unreadable': {
    code: 'SourceMissing',
    why: 'the rows come from this file and it cannot be read',
    fix: 'check the path and the permissions; the file must be readable on the host that runs this',
  },
  'data/images-unreadable': {
    code: 'SourceMissing',
    why: 'without a listing of the images folder nobody knows which rows have their image',
    fix: 'check the path and the permissions; unpack the images first',
  },
  'data/output-unwritable': {
    code: 'WorkspaceUnusable',
    why: 'the result is written beside its final name and renamed into place, so its folder must be writable',
    fix: 'create the folder, free disk space or choose another --output',
  },
  'data/output-is-input': {
    code: 'UsageInvalid',
    why: 'the output would replace the annotations it is made from',
    fix: 'choose another --output',
  },
  'data/broken-annotations': {
    code: 'ProofFailed',
    why: 'the annotations are not one sound JSON array of rows; nothing was written',
    fix: 'repair the file at the given place, or fetch it again',
  },
  'data/nothing-kept': {
    code: 'ProofFailed',
    why: 'training on an empty data set dies after the model was loaded; nothing was written',
    fix: 'most often the images folder is wrong or not unpacked; see the reasons with their examples',
  },
  'data/too-many-dropped': {
    code: 'ProofFailed',
    why: 'so many rows cannot be used that the result is not the data set that was asked for; nothing was written',
    fix: 'repair what the reasons name, or accept the loss with --max-dropped',
  },
  'data/bad-option': {
    code: 'UsageInvalid',
    why: 'the value has no meaning here',
    fix: 'correct the option',
  },
} as const satisfies Record<string, FailureRow>;

/** Id of a data failure. */
export type DataFailureId = keyof typeof DATA_FAILURES;

/** A conversion or check that could not be carried out, as a row of the error catalogue plus its own id. */
export class DataFailure extends TemperError {
  readonly id: DataFailureId;
  /** The counts of a conversion that ran to its end and was refused for what it dropped. */
  readonly report: DataConvertReport | undefined;

  constructor(id: DataFailureId, facts: { what: string; where: string; report?: DataConvertReport; cause?: unknown }) {
    const { code, why, fix } = DATA_FAILURES[id];
    super(code, { what: facts.what, where: facts.where, why, fix }, { cause: facts.cause });
    this.id = id;
    this.report = facts.report;
  }
}
