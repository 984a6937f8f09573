import type { DataSeverity } from '../../schemas/data.js';

/** One rule of the data checks: how bad a breach is, what training would do with it, what to change. */
export interface DataRule {
  readonly severity: DataSeverity;
  readonly why: string;
  readonly fix: string;
}

/**
 * The closed table of data rules. The converter drops rows that break an error rule; the check reports them.
 * What "training" does stands in the loader of the pinned trainer: it skips, drops or dies late, after the
 * model was loaded, and never says how much of the data is left.
 */
export const DATA_RULES = {
  // The file
  'data/broken-json': {
    severity: 'error',
    why: 'The loader reads the whole file as one JSON document and stops at the first error.',
    fix: 'Repair the file at the given place, or make it again with a JSON library.',
  },
  'data/not-an-array': {
    severity: 'error',
    why: 'Rows are the elements of one JSON array. A loader that reads JSON Lines does so in parts, and where the first has text only, the first image ends it.',
    fix: 'Write the rows as one JSON array: [{...}, {...}]. Of JSON Lines temper data convert --format mllm makes one; a pipeline does so by itself where the name ends in .jsonl.',
  },
  'data/row-limit': {
    severity: 'error',
    why: 'A row this large or this deeply nested is no conversation; it would exhaust memory while it is parsed.',
    fix: 'Look at the row at the given place; store images as files and name them, never inline.',
  },
  'data/empty': {
    severity: 'error',
    why: 'A data set without rows stops the trainer after the model was loaded.',
    fix: 'Give a file with at least as many rows as the world batch.',
  },
  'data/file-name': {
    severity: 'error',
    why: 'Data sets are handed to the trainer as one list joined by commas and split verbatim; each is searched for as a pattern.',
    fix: 'Rename the file or its folders so that the path holds no comma, no white space, none of * ? [ and no ::.',
  },
  'data/byte-order-mark': {
    severity: 'error',
    why: 'The file begins with a byte order mark (U+FEFF), which JSON libraries refuse before an array (pandas 2.0.3 does, later ones need not); the loader ends.',
    fix: 'Save the file as UTF-8 without a mark, or convert it: temper data convert writes none.',
  },
  'data/images-column': {
    severity: 'error',
    why: 'The loader asks for the column images; when no row has it, it dies with a KeyError.',
    fix: 'Write "images": [] in text-only rows.',
  },
  'data/rows-below-batch': {
    severity: 'error',
    why: 'With fewer rows than one step takes over all ranks, the sampler divides by zero.',
    fix: 'Add rows, repair the rows with errors, or lower the micro batch size or the number of ranks.',
  },
  // The row
  'data/not-an-object': {
    severity: 'error',
    why: 'A row must be a JSON object with messages and images.',
    fix: 'Remove the row or write it as an object.',
  },
  'data/conversations-format': {
    severity: 'error',
    why: 'The row is in the LLaVA format (conversations, from, value), which is the form before conversion; the loader asks for messages.',
    fix: 'Convert the file: temper data convert --format llava --annotations FILE --images DIR --output OUT.',
  },
  'data/messages-format': {
    severity: 'error',
    why: 'The row is in the MLLM format (messages, role, content) already; the converter reads conversations.',
    fix: 'Use the file as it is with format mllm; temper data check FILE --images DIR tells whether it is sound.',
  },
  'data/no-turns': {
    severity: 'error',
    why: 'Without at least one question and one answer there is nothing to train on.',
    fix: 'Give the row a list of turns, or remove it.',
  },
  'data/turn-shape': {
    severity: 'error',
    why: 'The loader takes the role and the text of each turn as strings and dies on anything else.',
    fix: 'Write each turn with a string role and a string text.',
  },
  'data/unknown-role': {
    severity: 'error',
    why: 'Only questions and answers are known; a row with another role is dropped or stops the loader.',
    fix: 'Use user and assistant (LLaVA: human and gpt); put system text into the first question.',
  },
  'data/role-order': {
    severity: 'error',
    why: 'The loader drops rows whose turns do not alternate user, assistant, ... and end with assistant.',
    fix: 'Start with user, alternate, end with assistant.',
  },
  'data/empty-content': {
    severity: 'error',
    why: 'An empty turn trains on end tokens only.',
    fix: 'Fill the turn or remove the row.',
  },
  'data/invalid-text': {
    severity: 'error',
    why: 'A lone surrogate (half of a character) cannot be written as UTF-8; readers refuse the whole file.',
    fix: 'Repair the text; it was cut in the middle of a character.',
  },
  'data/reserved-token': {
    severity: 'error',
    why: 'The trainer takes this text for an image, a film or a sound, there is none for it, and the rank ends.',
    fix: 'Write it in another way or remove the row; <image> is what stands for an image.',
  },
  'data/placeholder-count': {
    severity: 'error',
    why: 'When the number of <image> placeholders differs from the number of images, preprocessing dies.',
    fix: 'Write <image> once per image, in the turns of the row.',
  },
  'data/image-field': {
    severity: 'error',
    why: 'Images are named by non-empty strings; anything else stops the loader.',
    fix: 'MLLM: a list of paths in images. LLaVA: one path in image, or none.',
  },
  // The images
  'data/image-outside-root': {
    severity: 'error',
    why: 'An absolute path, a path with .. or a link out of the folder names other files on other hosts.',
    fix: 'Name images relative to the images folder and keep the files inside it.',
  },
  'data/image-missing': {
    severity: 'error',
    why: 'The loader skips rows whose image it cannot find and trains on what is left.',
    fix: 'Check the images folder (unpacked? the right one?) and the prefix of the paths.',
  },
  'data/image-unreadable': {
    severity: 'error',
    why: 'The image cannot be opened for reading; the rank that needs it would skip the row.',
    fix: 'Make the file readable for the user that trains (chmod a+r).',
  },
  'data/image-corrupt': {
    severity: 'error',
    why: 'The header, what stands before the pixels, or the end is missing or damaged, so the image cannot be decoded; the row would be skipped or end the rank.',
    fix: 'Fetch or unpack the image again.',
  },
  'data/image-type': {
    severity: 'error',
    why: 'The type is not one that every image reader of a trainer decodes.',
    fix: 'Store the image as JPEG, PNG, WebP, BMP or GIF.',
  },
  'data/image-zero-size': {
    severity: 'error',
    why: 'An image without width or height gives no patches.',
    fix: 'Fetch the image again or remove the row.',
  },
  'data/image-bomb': {
    severity: 'error',
    why: 'Image readers refuse such sizes as decompression bombs, or fill the memory of the host.',
    fix: 'Scale the image down to at most 178 megapixels.',
  },
  'data/image-aspect': {
    severity: 'error',
    why: 'Image processors refuse an image that is more than 200 times as long as wide; loaders that scale it first distort it, or end because no pixel of its short side is left.',
    fix: 'Crop the image, or remove the row.',
  },
  // The length
  'data/images-exceed-sequence': {
    severity: 'error',
    why: 'The image tokens alone fill the sequence; they would be cut and no longer match the image features.',
    fix: 'Use fewer images per row, a smaller imageMaxPixels, or a larger sequenceLength.',
  },
  'data/image-cut': {
    severity: 'warning',
    why: 'By estimate a part of the image tokens is cut off with the end of a long row; the forward pass of every rank ends when they no longer match the image features.',
    fix: 'Raise sequenceLength, lower imageMaxPixels, put <image> first, or shorten the row.',
  },
  'data/sequence-exceeded': {
    severity: 'warning',
    why: 'The row is longer than the sequence by estimate; its end is cut off in training.',
    fix: 'Raise sequenceLength or shorten the row, unless a cut is wanted.',
  },
} as const satisfies Record<string, DataRule>;

/** Id of a data rule. */
export type DataRuleId = keyof typeof DATA_RULES;

/** One breach of one rule: where in the row or file, and what stands there. */
export interface Finding {
  readonly rule: DataRuleId;
  readonly where: string;
  readonly what: string;
}
