/** Program files that judge an environment; a changed one judges anew. */
export const ENVIRONMENT_PROGRAMS = ['probe-environment.mjs', 'python_facts.py', 'prove_environment.py'] as const;
