import { join } from 'node:path';

/** Folder of a model: `<workspace>/models/<name>`. */
export function modelDir(workspace: string, model: string): string {
  return join(workspace, 'models', model);
}

/** Folder of the promoted models of a name, one per number. */
export function versionsDir(workspace: string, model: string): string {
  return join(modelDir(workspace, model), 'versions');
}

/** Folder of one promoted model; it shows the model's files as `hf`. */
export function versionDir(workspace: string, model: string, version: number): string {
  return join(versionsDir(workspace, model), versionFolder(version));
}

/** Folder name of a promoted model: `0003`. */
export function versionFolder(version: number): string {
  return String(version).padStart(4, '0');
}

/** Number of a promoted model's folder name, or null for other names. */
export function versionOfFolder(name: string): number | null {
  return /^\d{4,}$/.test(name) ? Number(name) : null;
}
