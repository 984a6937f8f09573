import { join } from 'node:path';
import { RetrainNoteSchema, type RetrainNote } from '../../schemas/retrain.js';
import { readJsonFile, writeJsonFile } from '../json-file.js';
import { runDir } from '../run/run-folder.js';

/** Keeps what a retrain knows of the model of its run. */
export async function noteRetrain(workspace: string, run: string, note: RetrainNote): Promise<void> {
  await writeJsonFile(noteFile(workspace, run), note);
}

/** What the retrain of a run knew of this export of it; null for a run of no retrain. */
export async function readRetrainNote(workspace: string, run: string, exportKey: string): Promise<RetrainNote | null> {
  const note = await readJsonFile(noteFile(workspace, run), RetrainNoteSchema);
  return note?.export === exportKey ? note : null;
}

function noteFile(workspace: string, run: string): string {
  return join(runDir(workspace, run), 'evaluation', 'retrain.json');
}
