import { relative } from 'node:path';

/**
 * What vitest's JSON report counts. No report, or one without any test, is a failure: nothing was shown.
 * @param {object | null} result the report; null when there is none
 * @param {number | null} status exit status of vitest
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countResults(result, status) {
  const passed = result?.numPassedTests ?? 0;
  const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
  // A file that cannot be loaded counts as one failure.
  const broken = (result?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = (result?.numFailedTests ?? 0) + broken.length;
  // vitest also fails for errors outside of any test, such as a rejection that nobody awaited.
  const isSilent = failed === 0 && (status !== 0 || passed + skipped === 0);
  return { passed, failed: isSilent ? 1 : failed, skipped };
}

/**
 * One line for each failed test: its file, its name and the first line of its error.
 * @param {string} part
 * @param {object | null} result
 * @param {string} root files are named from here
 * @returns {readonly string[]}
 */
export function failureLines(part, result, root) {
  if (result === null) return [`${part}: vitest ended without a report`];
  if ((result.testResults ?? []).length === 0) return [`${part}: vitest ran no test`];
  return result.testResults.flatMap((file) => {
    const place = relative(root, file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (file.status === 'failed' && failed.length === 0) return [`${place}: ${firstLine(file.message)}`];
    return failed.map((one) => `${place}: ${one.fullName}: ${firstLine(one.failureMessages[0])}`);
  });
}

function firstLine(text) {
  return (text ?? '').split('\n', 1)[0];
}
