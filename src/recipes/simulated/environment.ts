import { z } from 'zod';
import { problem } from '../../domain/errors.js';
import type { Command, EnvironmentRecipe, HostTools } from '../recipe.js';
import { program } from './command.js';

const ProbeSchema = z.record(z.string(), z.string());

/** The software of the simulated trainer: the Node that runs Temper itself. */
export const environment: EnvironmentRecipe = {
  probe: (tools) => probe(tools, 'probe'),
  prove: (tools) => probe(tools, 'prove'),
  read(line) {
    const parsed = ProbeSchema.safeParse(line);
    if (parsed.success) return { lock: parsed.data, problems: [] };
    return {
      lock: {},
      problems: [problem('EnvironmentUnfit', { what: 'the probe of Node gave no answer', why: parsed.error.message })],
    };
  },
};

function probe(tools: HostTools, step: string): Command {
  return program({ tools, out: tools.programs }, step, 'probe.mjs', []);
}
