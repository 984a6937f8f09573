/** Loss and the like as upstream prints them: six decimals, two digits of exponent, Python's words for the rest. */
export function scientific(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NAN' : value > 0 ? 'INF' : '-INF';
  return value.toExponential(6).replace(/e([+-])(\d+)$/, (_, sign, digits) => `E${sign}${digits.padStart(2, '0')}`);
}

/** Host-local time, `2026-11-23 19:45:00`. */
export function timestamp(date = new Date()) {
  const two = (value) => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

/**
 * The line of one logging interval; a loss that is not a number drops its field, as upstream does.
 * @param {{ iteration: number, of: number, consumedSamples: number, elapsedMs: number, learningRate: number,
 *   globalBatchSize: number, loss: number, gradNorm: number, tokensPerSample?: number }} reading
 */
export function iterationLine({
  iteration,
  of,
  consumedSamples,
  elapsedMs,
  learningRate,
  globalBatchSize,
  loss,
  gradNorm,
  tokensPerSample,
}) {
  const wide = (value, width) => String(value).padStart(width);
  const fields = [
    ` iteration ${wide(iteration, 8)}/${wide(of, 8)}`,
    ` consumed samples: ${wide(consumedSamples, 12)}`,
    ` elapsed time per iteration (ms): ${elapsedMs.toFixed(1)}`,
    ` learning rate: ${scientific(learningRate)}`,
    ` global batch size: ${wide(globalBatchSize, 5)}`,
    ...(tokensPerSample === undefined ? [] : [` tokens per sample: ${scientific(tokensPerSample)}`]),
    ...(Number.isNaN(loss) ? [] : [` loss: ${scientific(loss)}`]),
    ' loss scale: 1.0',
    ` grad norm: ${Number.isFinite(gradNorm) ? gradNorm.toFixed(3) : String(gradNorm).toLowerCase().replace('infinity', 'inf')}`,
    ' num zeros: 0.0',
    ' number of skipped iterations:   0',
    ' number of nan iterations:   0',
  ];
  return ` [${timestamp()}]${fields.map((field) => `${field} |`).join('')}`;
}

/**
 * The arguments as a block of lines, as Megatron dumps them.
 * @param {Readonly<Record<string, unknown>>} settings
 */
export function argumentLines(settings) {
  const rows = Object.entries(settings)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `  ${name} ${'.'.repeat(Math.max(0, 48 - name.length))} ${showValue(value)}`);
  return [
    '------------------------ arguments ------------------------',
    ...rows,
    '-------------------- end of arguments ---------------------',
  ];
}

/**
 * A sorted list of names as Python prints it.
 * @param {readonly string[]} names
 */
export function pythonList(names) {
  const sorted = names.toSorted((left, right) => (left < right ? -1 : 1));
  return `[${sorted.map((name) => `'${name}'`).join(', ')}]`;
}

function showValue(value) {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
