import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { Problem } from '../../schemas/problem.js';
import type { Facts } from '../recipe.js';

const AnswersSchema = z.looseObject({
  v: z.literal(1),
  model: z.string(),
  total: z.number(),
  correct: z.number(),
  accuracy: z.number(),
  missingKeys: z.array(z.string()),
  unexpectedKeys: z.array(z.string()),
  samples: z.array(
    z.looseObject({
      id: z.union([z.string(), z.number()]),
      question: z.string(),
      expected: z.string(),
      answer: z.string(),
    }),
  ),
});
type Answers = z.infer<typeof AnswersSchema>;

/** Samples shown in the report of a run. */
const SHOWN = 3;

/** Facts about the answers before and after training, from the four files that the verify stage writes. */
export function readAnswers(files: readonly unknown[]): { facts: Facts; problems: readonly Problem[] } {
  const parsed = z.tuple([AnswersSchema, AnswersSchema, AnswersSchema, AnswersSchema]).safeParse(files);
  if (!parsed.success) {
    return {
      facts: {},
      problems: [problem('ProofFailed', { what: 'the answers have an unknown form', why: parsed.error.message })],
    };
  }
  const [before, after, blank, swap] = parsed.data;
  return {
    facts: {
      questions: after.total,
      accuracyBefore: before.accuracy,
      accuracyAfter: after.accuracy,
      accuracyBlankImages: blank.accuracy,
      accuracySwappedImages: swap.accuracy,
      ...showSamples(before, after),
    },
    problems: [before, after].flatMap(unloadedTensors),
  };
}

/** A model that loads with missing or unexpected tensors answers with partly random weights. */
function unloadedTensors({ model, missingKeys, unexpectedKeys }: Answers): Problem[] {
  const names = [
    ...missingKeys.map((name) => `missing ${name}`),
    ...unexpectedKeys.map((name) => `unexpected ${name}`),
  ];
  if (names.length === 0) return [];
  return [
    problem('ProofFailed', { where: model, what: `from_pretrained reports ${names.length} tensors`, evidence: names }),
  ];
}

/** Different kinds of question lie side by side in the file; a stride shows a mixture. */
function showSamples(before: Answers, after: Answers): Facts {
  const stride = Math.max(1, Math.floor(after.samples.length / SHOWN) + 1);
  const shown = after.samples.filter((_, index) => index % stride === 0).slice(0, SHOWN);
  return Object.fromEntries(
    shown.flatMap((sample, index) => [
      [`sample${index + 1}Question`, sample.question],
      [`sample${index + 1}Expected`, sample.expected],
      [`sample${index + 1}Before`, before.samples.find(({ id }) => id === sample.id)?.answer ?? ''],
      [`sample${index + 1}After`, sample.answer],
    ]),
  );
}
