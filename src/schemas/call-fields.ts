import { z } from 'zod';
import { NameSchema } from './units.js';

/** Run that a call or an answer is about. */
export const RunNameSchema = NameSchema.describe('Name of the run; runs/NAME in the workspace is its folder.');

/** Model that a call or an answer is about. */
export const ModelNameSchema = NameSchema.describe(
  'Name under which models are promoted; models/NAME in the workspace holds them.',
);

/** Fleet that a call or an answer is about. */
export const FleetNameSchema = NameSchema.describe(
  'Name of the fleet, as in fleet.name of specs and --fleet of workers.',
);

/** Workspace that a call or an answer is about. */
export const WorkspaceSchema = z.string().describe('Workspace: the absolute folder that all hosts of the fleet see.');

/** Spec that travels in a call. */
export const SpecTextSchema = z.string().max(65_536).describe('Spec as YAML; local paths in it are absolute.');

/** Host that made an answer. */
export const AnsweringHostSchema = z.string().describe('Name of the host that answers, as its worker announced it.');
