import { problem } from '../../../domain/errors.js';
import type { Problem } from '../../../schemas/problem.js';
import type { PipelineSpec } from '../../../schemas/spec.js';
import type { HostTools } from '../../recipe.js';
import { sourcesOf } from '../sources.js';
import { checkoutDifference, INSTALLED } from './differences.js';
import { realCheckout, type ProbeFacts } from './probe.js';

/**
 * What is wrong with an environment that a person made. How it was installed is theirs; what counts is that commits are
 * the wanted ones, that imports reach the checkouts, and that the converter is there.
 */
export function existingProblems(facts: ProbeFacts, spec: PipelineSpec, tools: HostTools): readonly Problem[] {
  const checkouts = (['mindspeedMm', 'mindspeed', 'transformers'] as const).flatMap((name) =>
    checkoutDifference(name, facts, spec).map(({ sentence }) => sentence),
  );
  const { python, megatron } = facts;
  const imports = (['mindspeed', 'mindspeedMm', 'transformers'] as const).flatMap((name) => {
    const place = python?.modules[INSTALLED[name].module];
    const folder = realCheckout(name, facts, spec, tools);
    if (python === null || place?.startsWith(`${folder}/`) === true) return [];
    return [`${sourcesOf(spec)[name].title} is imported from ${place ?? 'nowhere'}, not from ${folder}`];
  });
  const copied = megatron.copy === null && python !== null && (python.modules['megatron'] ?? null) === null;
  const converter = python !== null && python.scripts['mm-convert'] !== true;
  return [
    ...checkouts,
    ...imports,
    ...(copied ? ['megatron/ was not copied into MindSpeed-MM'] : []),
    ...(converter ? [`mm-convert is not beside ${tools.python}: MindSpeed-MM is not installed into it`] : []),
  ].map(mustChange);
}

function mustChange(what: string): Problem {
  return problem('EnvironmentUnfit', {
    what,
    why: 'the spec names an existing environment, which Temper verifies and never changes',
    fix: 'make it right, name its commit in environment.sources.NAME.ref, or leave python and checkouts out',
  });
}
