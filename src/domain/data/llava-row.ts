import { conversationFindings, isObject } from './mllm-row.js';
import type { Message } from './mllm-row.js';
import { showValue } from './show-value.js';
import type { Finding } from './rules.js';

/** A LLaVA row that can be kept (its image still has to be found), or the first rule that it breaks. */
export type LlavaReading =
  | { readonly kind: 'row'; readonly image: string | null; readonly messages: readonly Message[] }
  | { readonly kind: 'dropped'; readonly finding: Finding };

/**
 * Turns one LLaVA row into messages: human becomes user, gpt becomes assistant, text stays verbatim with its
 * `<image>`, every other field (`id`, ...) is left behind. An `image` that is absent
 * or that Python counts as nothing (null, false, 0, an empty text, list or object) is a text-only row.
 */
export function readLlavaRow(value: unknown, reserved: readonly string[] = []): LlavaReading {
  if (!isObject(value)) return dropped('data/not-an-object', 'row', showValue(value));
  const { image, conversations } = value;
  if (conversations === undefined && 'messages' in value)
    return dropped('data/messages-format', 'messages', showValue(value['messages']));
  if (!Array.isArray(conversations) || conversations.length === 0)
    return dropped('data/no-turns', 'conversations', showValue(conversations));
  const hasImage = !isAbsent(image);
  if (hasImage && typeof image !== 'string') return dropped('data/image-field', 'image', showValue(image));
  const messages: Message[] = [];
  for (let index = 0; index < conversations.length; index += 1) {
    const read = readTurn(conversations[index], index);
    if ('rule' in read) return { kind: 'dropped', finding: read };
    messages.push(read);
  }
  // The converter keeps only what the check accepts, so that nothing is dropped silently later, in training.
  const [finding] = conversationFindings(messages, hasImage ? 1 : 0, reserved);
  if (finding !== undefined) return { kind: 'dropped', finding };
  return { kind: 'row', image: typeof image === 'string' && hasImage ? image : null, messages };
}

const ROLES: ReadonlyMap<unknown, Message['role']> = new Map([
  ['human', 'user'],
  ['gpt', 'assistant'],
]);

function readTurn(turn: unknown, index: number): Message | Finding {
  if (!isObject(turn)) return { rule: 'data/turn-shape', where: `conversations[${index}]`, what: showValue(turn) };
  const { from, value } = turn;
  if (typeof from !== 'string')
    return { rule: 'data/turn-shape', where: `conversations[${index}].from`, what: showValue(from) };
  if (typeof value !== 'string')
    return { rule: 'data/turn-shape', where: `conversations[${index}].value`, what: showValue(value) };
  const role = ROLES.get(from);
  if (role === undefined)
    return { rule: 'data/unknown-role', where: `conversations[${index}].from`, what: showValue(from) };
  return { role, content: value };
}

/** What Python counts as nothing, which is what upstream's script asks. */
function isAbsent(image: unknown): boolean {
  return typeof image === 'object' && image !== null ? Object.keys(image).length === 0 : !image;
}

function dropped(rule: Finding['rule'], where: string, what: string): LlavaReading {
  return { kind: 'dropped', finding: { rule, where, what } };
}
