import type { DataFormat } from '../../schemas/data.js';
import { readLlavaRow } from './llava-row.js';
import { conversationFindings, readMllmRow } from './mllm-row.js';
import type { Message } from './mllm-row.js';
import type { Finding } from './rules.js';

/** A row that can be kept (its images still have to be found), or the first rule that it breaks. */
export type RowReading =
  | { readonly kind: 'row'; readonly images: readonly string[]; readonly messages: readonly Message[] }
  | { readonly kind: 'dropped'; readonly finding: Finding };

/** Reads one JSON value as a row of one format; `reserved` are texts that no turn may hold. */
export type RowReader = (value: unknown, reserved?: readonly string[]) => RowReading;

/** How rows of each format are read. */
export const ROW_READERS: Readonly<Record<DataFormat, RowReader>> = {
  llava: (value, reserved) => {
    const reading = readLlavaRow(value, reserved);
    if (reading.kind === 'dropped') return reading;
    return { kind: 'row', images: reading.image === null ? [] : [reading.image], messages: reading.messages };
  },
  mllm: (value, reserved) => {
    const reading = readMllmRow(value);
    if (reading.kind === 'refused') return dropped(reading.findings);
    const { images, messages } = reading.row;
    const findings = conversationFindings(messages, images.length, reserved);
    return findings.length > 0 ? dropped(findings) : { kind: 'row', images, messages };
  },
};

function dropped([finding]: readonly Finding[]): RowReading {
  if (finding === undefined) throw new TypeError('a row was refused without a reason');
  return { kind: 'dropped', finding };
}
