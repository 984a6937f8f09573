import type { DataRuleId } from '../../../src/domain/data/rules.js';
import { llava, mllm, png } from './support.js';

/** The names and files of the images folder that all cases share. */
export const CASE_IMAGES: Readonly<Record<string, string | Uint8Array>> = {
  'a.png': png(64, 64),
  'sub/b.png': png(64, 64),
  'empty.png': '',
  'zero.png': png(0, 64),
  'long.png': png(2_010, 10),
  'bomb.png': png(20_000, 20_000),
  'cut.png': png(64, 64).subarray(0, 20),
  'cut.jpg': Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a]),
  'vector.svg': '<svg width="1" height="1"></svg>',
  'text.txt': 'This is not an image. '.repeat(9),
};

/** Texts that no turn of the cases may hold. */
export const CASE_RESERVED: readonly string[] = ['<|image|>'];

/** Length of a row, in tokens, that the cases of the check are judged with. */
export const CASE_SEQUENCE_LENGTH = 100;

/** Content of a file and the one rule that it must break. */
export interface RuleCase {
  readonly name: string;
  readonly rule: DataRuleId;
  readonly content: string;
  /** Row of the first finding; null when it belongs to the file. */
  readonly row: number | null;
  readonly where: string;
  /** File name, `data.json` unless said otherwise. */
  readonly file?: string;
  /** Images folder, the shared one unless said otherwise. */
  readonly imageRoot?: string;
}

const good = mllm(['a.png']);
const turn = (role: unknown, content: unknown): unknown => ({ role, content });
const says = (from: unknown, value: unknown): unknown => ({ from, value });
const messages = (...turns: readonly unknown[]): unknown => ({ images: [], messages: turns });
const conversations = (...turns: readonly unknown[]): unknown => ({ conversations: turns });

// The bad row is always the second of three.
function second(name: string, rule: DataRuleId, where: string, row: unknown, rest: Partial<RuleCase> = {}): RuleCase {
  return { name, rule, row: 1, where, content: JSON.stringify([good, row, good]), ...rest };
}

/** One case or more for each rule that `checkMllm` reports. */
export const CHECK_CASES: readonly RuleCase[] = [
  {
    name: 'truncated file',
    rule: 'data/broken-json',
    row: 1,
    where: `byte ${JSON.stringify(good).length + 2}`,
    content: `[${JSON.stringify(good)},`,
  },
  {
    name: 'text after the array',
    rule: 'data/broken-json',
    row: null,
    where: `byte ${JSON.stringify(good).length + 2}`,
    content: `[${JSON.stringify(good)}]]`,
  },
  {
    name: 'JSON Lines',
    rule: 'data/not-an-array',
    row: null,
    where: 'byte 0',
    content: `${JSON.stringify(good)}\n${JSON.stringify(good)}\n`,
  },
  { name: 'empty file', rule: 'data/not-an-array', row: null, where: 'byte 0', content: '' },
  { name: 'nesting bomb', rule: 'data/row-limit', row: 0, where: 'byte 65', content: '['.repeat(1_000_000) },
  { name: 'no rows', rule: 'data/empty', row: null, where: 'file', content: '[]' },
  {
    name: 'comma in the file name',
    rule: 'data/file-name',
    row: null,
    where: 'file name',
    content: JSON.stringify([good]),
    file: 'a,b.json',
  },
  {
    name: 'space in the file name',
    rule: 'data/file-name',
    row: null,
    where: 'file name',
    content: JSON.stringify([good]),
    file: 'a b.json',
  },
  ...['a[1].json', 'a*.json', 'a?.json', 'a::b.json'].map((file) => ({
    name: `pattern in the file name ${file}`,
    rule: 'data/file-name' as const,
    row: null,
    where: 'file name',
    content: JSON.stringify([good]),
    file,
  })),
  {
    name: 'no row has images',
    rule: 'data/images-column',
    row: null,
    where: 'file',
    content: JSON.stringify([{ messages: mllm([])['messages'] }]),
  },
  {
    name: 'only refused rows',
    rule: 'data/rows-below-batch',
    row: null,
    where: 'file',
    content: JSON.stringify([{ ...good, images: ['gone.png'] }]),
  },
  second('a number as row', 'data/not-an-object', 'row', 7),
  second('a list as row', 'data/not-an-object', 'row', [good]),
  second('null as row', 'data/not-an-object', 'row', null),
  second('LLaVA row', 'data/conversations-format', 'conversations', llava('a.png')),
  second('no messages', 'data/no-turns', 'messages', { images: [] }),
  second('empty messages', 'data/no-turns', 'messages', messages()),
  second('messages as text', 'data/no-turns', 'messages', { images: [], messages: 'hi' }),
  second('turn as text', 'data/turn-shape', 'messages[0]', messages('hi', turn('assistant', 'a'))),
  second('role missing', 'data/turn-shape', 'messages[0].role', messages({ content: 'q' }, turn('assistant', 'a'))),
  second(
    'content as list',
    'data/turn-shape',
    'messages[1].content',
    messages(turn('user', 'q'), turn('assistant', ['a'])),
  ),
  second(
    'system turn',
    'data/unknown-role',
    'messages[0].role',
    messages(turn('system', 's'), turn('user', 'q'), turn('assistant', 'a')),
  ),
  second('roles of LLaVA', 'data/unknown-role', 'messages[0].role', messages(turn('human', 'q'), turn('gpt', 'a'))),
  second('assistant first', 'data/role-order', 'messages[0].role', messages(turn('assistant', 'a'), turn('user', 'q'))),
  second('two questions', 'data/role-order', 'messages[1].role', messages(turn('user', 'q'), turn('user', 'q'))),
  second(
    'question without answer',
    'data/role-order',
    'messages',
    messages(turn('user', 'q'), turn('assistant', 'a'), turn('user', 'q')),
  ),
  second(
    'empty answer',
    'data/empty-content',
    'messages[1].content',
    messages(turn('user', 'q'), turn('assistant', '')),
  ),
  second(
    'blank question',
    'data/empty-content',
    'messages[0].content',
    messages(turn('user', ' \n'), turn('assistant', 'a')),
  ),
  second(
    'lone surrogate',
    'data/invalid-text',
    'messages[1].content',
    messages(turn('user', 'q'), turn('assistant', 'a\ud83d')),
  ),
  second(
    'image token of the model',
    'data/reserved-token',
    'messages[1].content',
    mllm(['a.png'], 'q', 'a <|image|> b'),
  ),
  second(
    'placeholder without image',
    'data/placeholder-count',
    'messages',
    messages(turn('user', '<image>q'), turn('assistant', 'a')),
  ),
  second('image without placeholder', 'data/placeholder-count', 'messages', {
    ...good,
    messages: mllm([])['messages'],
  }),
  second('placeholder in the answer counts', 'data/placeholder-count', 'messages', {
    ...good,
    messages: [turn('user', '<image>q'), turn('assistant', '<image>')],
  }),
  second('images as text', 'data/image-field', 'images', { ...good, images: 'a.png' }),
  second('empty image path', 'data/image-field', 'images', { ...good, images: [''] }),
  second('number as image', 'data/image-field', 'images', { ...good, images: [1] }),
  second('path out of the root', 'data/image-outside-root', 'images[0]', mllm(['../outside.png'])),
  second('path through a folder and out', 'data/image-outside-root', 'images[0]', mllm(['sub/../../outside.png'])),
  second('absolute path', 'data/image-outside-root', 'images[0]', mllm(['/etc/hostname'])),
  second('link out of the root', 'data/image-outside-root', 'images[0]', mllm(['link-out.png'])),
  second(
    'file below a folder linked out of the root',
    'data/image-outside-root',
    'images[0]',
    mllm(['folder-out/outside.png']),
  ),
  second('missing image', 'data/image-missing', 'images[0]', mllm(['gone.png'])),
  second('missing folder', 'data/image-missing', 'images[0]', mllm(['gone/a.png'])),
  second('file used as folder', 'data/image-missing', 'images[0]', mllm(['a.png/b.png'])),
  second('folder instead of image', 'data/image-missing', 'images[0]', mllm(['sub'])),
  second('name with a slash at its end', 'data/image-missing', 'images[0]', mllm(['sub/'])),
  second('dangling link', 'data/image-missing', 'images[0]', mllm(['dangling.png'])),
  second('link to itself', 'data/image-missing', 'images[0]', mllm(['loop.png'])),
  second('name with NUL', 'data/image-missing', 'images[0]', mllm(['a\0/b.png'])),
  second(
    'name longer than a file system holds',
    'data/image-missing',
    'images[0]',
    mllm([`${'d'.repeat(5000)}/b.png`]),
  ),
  // A regular file that opens and cannot be read, also not by root.
  {
    ...second('unreadable file', 'data/image-unreadable', 'images[0]', mllm(['mem'])),
    imageRoot: '/proc/self',
    content: JSON.stringify([mllm([]), mllm(['mem'])]),
  },
  second('empty image', 'data/image-corrupt', 'images[0]', mllm(['empty.png'])),
  second('PNG cut in its header', 'data/image-corrupt', 'images[0]', mllm(['cut.png'])),
  second('JPEG cut in its header', 'data/image-corrupt', 'images[0]', mllm(['cut.jpg'])),
  second('SVG', 'data/image-type', 'images[0]', mllm(['vector.svg'])),
  second('text file', 'data/image-type', 'images[0]', mllm(['text.txt'])),
  second('no width', 'data/image-zero-size', 'images[0]', mllm(['zero.png'])),
  second('201 times as long as wide', 'data/image-aspect', 'images[0]', mllm(['long.png'])),
  second('400 megapixels', 'data/image-bomb', 'images[0]', mllm(['bomb.png'])),
  // 64 x 64 pixels are 6 tokens (4096 / 784 rounded up); 17 of them are 102.
  second('too many images', 'data/images-exceed-sequence', 'images', mllm(Array.from({ length: 17 }, () => 'a.png'))),
  second('long answer', 'data/sequence-exceeded', 'row', mllm(['a.png'], 'q', 'x'.repeat(400))),
  second('image behind a long question', 'data/image-cut', 'row', {
    images: ['a.png'],
    messages: [
      { role: 'user', content: `${'x'.repeat(400)}<image>` },
      { role: 'assistant', content: 'a' },
    ],
  }),
];

/** One case or more for each rule for which `convertRows` drops rows. */
export const CONVERT_CASES: readonly RuleCase[] = (
  [
    ['text as row', 'data/not-an-object', 'row', 'hi'],
    ['MLLM row', 'data/messages-format', 'messages', good],
    ['no conversations', 'data/no-turns', 'conversations', { id: '1' }],
    ['empty conversations', 'data/no-turns', 'conversations', conversations()],
    ['conversations as object', 'data/no-turns', 'conversations', { conversations: { from: 'human' } }],
    ['turn as number', 'data/turn-shape', 'conversations[1]', conversations(says('human', 'q'), 3)],
    ['value missing', 'data/turn-shape', 'conversations[0].value', conversations({ from: 'human' }, says('gpt', 'a'))],
    ['from missing', 'data/turn-shape', 'conversations[0].from', conversations({ value: 'q' }, says('gpt', 'a'))],
    [
      'unknown speaker',
      'data/unknown-role',
      'conversations[0].from',
      conversations(says('system', 's'), says('gpt', 'a')),
    ],
    [
      'speaker in capitals',
      'data/unknown-role',
      'conversations[0].from',
      conversations(says('Human', 'q'), says('gpt', 'a')),
    ],
    ['gpt first', 'data/role-order', 'messages[0].role', conversations(says('gpt', 'a'), says('human', 'q'))],
    ['no answer', 'data/role-order', 'messages', conversations(says('human', 'q'))],
    ['empty answer', 'data/empty-content', 'messages[1].content', conversations(says('human', 'q'), says('gpt', ''))],
    [
      'lone surrogate',
      'data/invalid-text',
      'messages[0].content',
      conversations(says('human', '\udc00'), says('gpt', 'a')),
    ],
    ['image token of the model', 'data/reserved-token', 'messages[0].content', llava('a.png', '<|image|>q')],
    [
      'placeholder without image',
      'data/placeholder-count',
      'messages',
      conversations(says('human', '<image>q'), says('gpt', 'a')),
    ],
    ['two placeholders', 'data/placeholder-count', 'messages', llava('a.png', '<image>')],
    ['list of images', 'data/image-field', 'image', { ...llava('a.png'), image: ['a.png'] }],
    ['number as image', 'data/image-field', 'image', { ...llava('a.png'), image: 5 }],
    ['missing image', 'data/image-missing', 'image', llava('gone.png')],
    ['blank image name', 'data/image-missing', 'image', llava(' ')],
    ['folder instead of image', 'data/image-missing', 'image', llava('sub')],
    ['path out of the root', 'data/image-outside-root', 'image', llava('../outside.png')],
    ['absolute path', 'data/image-outside-root', 'image', llava('/etc/hostname')],
    ['link out of the root', 'data/image-outside-root', 'image', llava('link-out.png')],
  ] as const
).map(([name, rule, where, row]) => ({
  name,
  rule,
  where,
  row: 1,
  content: JSON.stringify([llava('a.png'), row, llava(undefined)]),
}));
