import type { CauseRule } from '../../domain/causes/causes.js';

/** What failures of the CPU training look like: its collectives are gloo's, its programs tell wrong input in one line. */
export const verdictRules: readonly CauseRule[] = [
  {
    id: 'gloo-peer-gone',
    match: { kind: 'text', pattern: /gloo\/transport\/|This is typically caused by a remote worker crashing/ },
    cause: 'peer-lost',
    isCascade: true,
    reaction: 'restart',
    sentence: 'rank {rank} on {host} lost a peer: {text}',
  },
  {
    id: 'program-refused-input',
    match: { kind: 'text', pattern: /^(\[rank\d+\]: ?)?error: / },
    cause: 'bad-input',
    isCascade: false,
    reaction: 'stop',
    sentence: 'rank {rank} on {host} refused its input: {text}',
  },
];
