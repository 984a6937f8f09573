import { llava } from './support.js';

/** What becomes of a row: taken by the script and by Temper, by the script only, or by neither. */
export type Fate = 'kept' | 'script only' | 'left out';

const turns = (...texts: string[]): object[] =>
  texts.map((value, index) => ({ from: index % 2 === 0 ? 'human' : 'gpt', value }));

/** Images that are there. */
export const SCRIPT_IMAGES = ['a.jpg', 'sub/b.jpg', '城 1.jpg'] as const;

/** Awkward rows that the script survives, what becomes of each, and why. */
export const SCRIPT_ROWS: readonly (readonly [why: string, row: object, fate: Fate])[] = [
  ['a plain row', llava('a.jpg'), 'kept'],
  ['image absent', { id: '1', conversations: turns('q', 'a') }, 'kept'],
  ['image null', { id: 1, image: null, conversations: turns('q', 'a') }, 'kept'],
  ['image empty', { image: '', conversations: turns('q', 'a') }, 'kept'],
  ['image an empty list', { image: [], conversations: turns('q', 'a') }, 'kept'],
  ['image an empty object', { image: {}, conversations: turns('q', 'a') }, 'kept'],
  ['image a zero', { image: 0, conversations: turns('q', 'a') }, 'kept'],
  ['image false', { image: false, conversations: turns('q', 'a') }, 'kept'],
  ['image in a folder', llava('sub/b.jpg'), 'kept'],
  ['image with dots', llava('./a.jpg'), 'kept'],
  ['image of another script', llava('城 1.jpg'), 'kept'],
  ['columns that nobody reads', { ...llava('a.jpg'), model: 'x', nested: { a: [1] } }, 'kept'],
  [
    'text as it is',
    { image: 'a.jpg', conversations: turns('<image>\n \t"é" 城 🚲 \\ \u2028\u0000 </s>', ' a\r\n') },
    'kept',
  ],
  ['many turns', { image: 'a.jpg', conversations: turns('q', 'a', '<image> and?', 'b') }, 'kept'],
  [
    'a turn with more columns',
    { conversations: [{ from: 'human', value: 'q', w: 1 }, ...turns('', 'a').slice(1)] },
    'kept',
  ],
  ['image missing', llava('gone.jpg'), 'left out'],
  ['image missing in a folder', llava('sub/gone.jpg'), 'left out'],
  // The loader dies of these, or drops them without saying how many.
  ['no placeholder', { image: 'a.jpg', conversations: turns('q', 'a') }, 'script only'],
  ['a placeholder without an image', { conversations: turns('<image>q', 'a') }, 'script only'],
  ['two placeholders', { image: 'a.jpg', conversations: turns('<image><image>', 'a') }, 'script only'],
  ['no answer', { conversations: turns('q') }, 'script only'],
  ['no turns', { image: 'a.jpg', conversations: [] }, 'script only'],
  ['the answer first', { conversations: turns('q', 'a').toReversed() }, 'script only'],
  ['an empty answer', { conversations: turns('q', '') }, 'script only'],
  ['a path out of the folder', llava('../train2017/a.jpg'), 'script only'],
];

interface ScriptRow {
  readonly image?: unknown;
  readonly conversations: readonly { readonly from: string; readonly value: unknown }[];
}

/** The rules of upstream's script, said again: an image that counts as false is none; one that is not there ends the row. */
export function scriptRow(row: object, prefix: string, exists: (image: string) => boolean): object | null {
  // Safe: only rows that the script survives are given.
  const { image, conversations } = row as ScriptRow;
  // What is neither a text nor false would end the script.
  const name = typeof image === 'string' && image !== '' ? image : null;
  if (name !== null && !exists(name)) return null;
  return {
    images: name === null ? [] : [`${prefix}/${name}`],
    messages: conversations.map(({ from, value }) => ({
      role: from === 'human' ? 'user' : 'assistant',
      content: value,
    })),
  };
}
