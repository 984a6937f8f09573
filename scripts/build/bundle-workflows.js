import { writeFileSync } from 'node:fs';
import { bundleWorkflowCode } from '@temporalio/worker';

/**
 * Bundles the workflows as the worker's sandbox loads them. Workers take only this file: one that bundled by itself
 * could run other code than its colleagues, and would need seconds to start.
 * @param {string} entry
 * @param {string} outFile
 */
export async function bundleWorkflows(entry, outFile) {
  const messages = [];
  const note = (level) => (message) => messages.push(`${level}: ${message}`);
  // Module lists of a good bundle are noise; of a failed one they are the explanation.
  const logger = Object.fromEntries(
    ['log', 'trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, note(level)]),
  );
  try {
    const { code } = await bundleWorkflowCode({ workflowsPath: entry, logger });
    writeFileSync(outFile, code);
  } catch (error) {
    throw new Error(`the workflow bundle of ${entry} failed:\n${messages.join('\n')}`, { cause: error });
  }
}
