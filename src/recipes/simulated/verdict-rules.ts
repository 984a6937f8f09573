import type { CauseRule } from '../../domain/causes/causes.js';

/** What failures of the simulated training look like where the generic rows cannot know it. */
export const verdictRules: readonly CauseRule[] = [
  {
    id: 'row-without-messages',
    match: { kind: 'exception', pattern: /^KeyError: 'messages'/ },
    cause: 'data-error',
    isCascade: false,
    reaction: 'stop',
    sentence: 'rank {rank} on {host} met a row of the data that has no messages: {text}',
  },
  {
    id: 'program-refused-input',
    match: { kind: 'text', pattern: /^error: / },
    cause: 'bad-input',
    isCascade: false,
    reaction: 'stop',
    sentence: 'rank {rank} on {host} refused its input: {text}',
  },
];
