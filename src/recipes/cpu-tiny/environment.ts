import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { Command, EnvironmentRecipe, HostTools } from '../recipe.js';
import { python } from './python-command.js';

const ProbeSchema = z.record(z.string(), z.string().nullable());

/** Packages that the programs of this recipe import. */
const NEEDED = ['torch', 'transformers', 'safetensors', 'pillow', 'numpy'];

/** Python environment of the tiny recipe: released packages, told apart by their versions. */
export const environment: EnvironmentRecipe = {
  probe: (tools) => probe(tools, 'probe', []),
  prove: (tools) => probe(tools, 'prove', ['--deep']),
  read(line) {
    const parsed = ProbeSchema.safeParse(line);
    if (!parsed.success) {
      return {
        lock: {},
        problems: [
          problem('EnvironmentUnfit', {
            what: 'the probe of the Python environment gave no answer',
            why: parsed.error.message,
          }),
        ],
      };
    }
    const lock = Object.fromEntries(
      Object.entries(parsed.data).flatMap(([name, version]) => (version === null ? [] : [[name, version]])),
    );
    const missing = NEEDED.filter((name) => lock[name] === undefined);
    return {
      lock,
      problems: missing.map((name) =>
        problem('EnvironmentUnfit', {
          what: `the Python package ${name} is not installed`,
          fix: 'run npm start once, or name a Python that has it in environment.python',
        }),
      ),
    };
  },
};

function probe(tools: HostTools, step: string, args: readonly string[]): Command {
  return python({ tools, out: tools.programs }, step, 'probe_environment.py', args);
}
