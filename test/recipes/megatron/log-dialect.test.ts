import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIterationLines, parsePythonNumber } from '../../../src/recipes/megatron/iteration-line.js';
import { megatronLog } from '../../../src/recipes/megatron/log-dialect.js';
import {
  findMilestone,
  MILESTONES,
  parseEarlyExit,
  parseSaved,
  parseValidation,
} from '../../../src/recipes/megatron/milestones.js';
import { findSuspicion, SUSPICION_RULES } from '../../../src/recipes/megatron/suspicions.js';

/** What a line means, where it means one thing. */
function readLogLine(line: string) {
  const events = megatronLog.read(line);
  expect(events.length).toBeLessThanOrEqual(1);
  return events[0] ?? null;
}

const LINE =
  ' [2025-12-03 10:15:30] iteration        7/   10000 | consumed samples:          896 |' +
  ' elapsed time per iteration (ms): 15234.6 | learning rate: 7.000000E-08 | global batch size:   128 |' +
  ' tokens per sample: 4.125300E+02 | loss: 1.234567E+00 | loss scale: 1.0 | grad norm: 3.210 | num zeros: 0.0 |' +
  ' number of skipped iterations:   0 | number of nan iterations:   0 |';
const READING = {
  kind: 'iteration',
  iteration: 7,
  of: 10000,
  loss: 1.234567,
  learningRate: 7e-8,
  gradNorm: 3.21,
  elapsedMs: 15234.6,
  consumedSamples: 896,
  globalBatchSize: 128,
  tokensPerSample: 412.53,
};
const without = (field: string): string => LINE.replace(new RegExp(` ${field}: [^|]*\\|`), '');

describe('an iteration line', () => {
  test('is read by field names', () => {
    expect(readLogLine(LINE)).toEqual(READING);
    expect(parseIterationLines(LINE)).toMatchObject([
      {
        time: '2025-12-03 10:15:30',
        globalBatchSize: 128,
        tokensPerSample: 412.53,
        skippedIterations: 0,
        nanIterations: 0,
      },
    ]);
  });

  test('may have its fields in any order, and more of them (property)', () => {
    const [head = '', ...fields] = LINE.split('|').slice(0, -1);
    fc.assert(
      fc.property(fc.shuffledSubarray(fields, { minLength: fields.length }), (shuffled) => {
        const line = [
          head,
          ...shuffled,
          ' aux_loss: 9.000000E+00 ',
          ' throughput per GPU (TFLOP/s/GPU): 1.5 ',
          '',
        ].join('|');
        expect(readLogLine(line)).toEqual(READING);
      }),
    );
  });

  test.each([
    ['text of another rank in front', `hellohello${LINE}`],
    ['a progress bar in front', `Converting format: 100%|###| 5/5\r${LINE}`],
    ['a carriage return behind', `${LINE}\r`],
    ['a torchrun prefix', `[default0]:${LINE}`],
    ['a megabyte in front', `${'x'.repeat(1 << 20)}${LINE}`],
    ['a megabyte behind', `${LINE}${'x'.repeat(1 << 20)}`],
  ])('is found with %s', (_, line) => {
    expect(readLogLine(line)).toEqual(READING);
  });

  test('glued to another one: both are found and reported, in their order', () => {
    const next = LINE.replace('iteration        7/', 'iteration        8/');
    expect(parseIterationLines(`${LINE}${next}`).map(({ iteration }) => iteration)).toEqual([7, 8]);
    expect(megatronLog.read(`${LINE}${next}`)).toEqual([READING, { ...READING, iteration: 8 }]);
    expect(megatronLog.read(`${LINE}${next.slice(0, 200)}`)).toEqual([READING]);
  });

  test('without a loss means NaN', () => {
    expect(parseIterationLines(without('loss'))).toMatchObject([{ loss: Number.NaN, isWhole: true }]);
    expect(readLogLine(without('loss'))).toEqual({ ...READING, loss: null });
    expect(readLogLine(without('loss').replace('| loss scale', '| aux_loss: 1.0 | loss scale'))).toEqual({
      ...READING,
      loss: null,
    });
  });

  test('without a loss because it was skipped is no NaN, unless its loss was one', () => {
    const skipped = without('loss').replace('skipped iterations:   0', 'skipped iterations:   1');
    expect(parseIterationLines(skipped)).toMatchObject([{ loss: null, skippedIterations: 1, isSkipped: true }]);
    expect(readLogLine(skipped)).toEqual({ ...READING, loss: null, isSkipped: true });
    expect(readLogLine(skipped.replace('nan iterations:   0', 'nan iterations:   1'))).toEqual({
      ...READING,
      loss: null,
    });
  });

  test('that is cut anywhere is never taken for a NaN', () => {
    for (let length = 0; length < LINE.length - ' 0 |'.length; length += 1) {
      expect(readLogLine(LINE.slice(0, length))).toBeNull();
    }
    expect(parseIterationLines(LINE.slice(0, 120))).toMatchObject([{ iteration: 7, loss: null, isWhole: false }]);
  });

  test('with numbers that are none', () => {
    const line = LINE.replace('1.234567E+00', 'INF').replace('3.210', 'nan');
    expect(parseIterationLines(line)).toMatchObject([{ loss: Infinity, gradNorm: Number.NaN }]);
    expect(readLogLine(line)).toEqual({ ...READING, loss: null, gradNorm: null });
  });
});

test.each([
  ['1.0', 1],
  ['-3', -3],
  ['7.000000E-08', 7e-8],
  [' 12 ', 12],
  ['.5', 0.5],
  ['5.', 5],
  ['nan', Number.NaN],
  ['-NaN', Number.NaN],
  ['INF', Infinity],
  ['-inf', -Infinity],
  ['', null],
  ['0x10', null],
  ['1 2', null],
  ['true', null],
])('Python prints %j', (text, value) => {
  expect(parsePythonNumber(text)).toBe(value);
});

describe('milestones', () => {
  test.each(MILESTONES.map(({ id, text }) => [id, text] as const))(
    '%s is found in a line, glued or not',
    (id, text) => {
      expect(findMilestone(`  12%|#\r> ${text} and more`)?.id).toBe(id);
    },
  );

  test('give phases, and an end', () => {
    expect(readLogLine(' loading checkpoint from /w/load at iteration 500')).toMatchObject({
      kind: 'phase',
      phase: 'loading',
    });
    expect(readLogLine('saving checkpoint at iteration   10000 to save_dir in torch_dcp format')).toMatchObject({
      phase: 'saving',
    });
    expect(readLogLine('[after training is done] datetime: 2025-12-03 10:15:30 ')).toEqual({ kind: 'ended' });
  });

  test('a save is told with its iteration', () => {
    const line = '  successfully saved checkpoint from iteration   10000 to save_dir [ t 1/1, p 1/1 ]';
    expect(parseSaved(line)).toEqual({ iteration: 10000 });
    expect(readLogLine(line)).toEqual({ kind: 'saved', iteration: 10000 });
    expect(readLogLine('  successfully saved checkpoint from iteration   ')).toBeNull();
  });

  test.each([
    ['[exiting program after receiving SIGTERM.] datetime: x', { reason: 'signal' }],
    ['[exiting program after 12.5 minutes] datetime: x', { reason: 'duration' }],
    ['[exiting program at iteration 40] datetime: x', { reason: 'iteration', iteration: 40 }],
    ['[after training is done] datetime: x', null],
  ])('%s', (line, exit) => {
    expect(parseEarlyExit(line)).toEqual(exit);
  });

  test('an evaluation', () => {
    const line =
      ' validation loss at iteration 20 | loss value: 1.234567E+00 | loss PPL: 3.436884E+00 | aux value: 2.0E+00 | ';
    expect(parseValidation(line)).toEqual({
      iteration: 20,
      values: new Map([
        ['loss', 1.234567],
        ['aux', 2],
      ]),
    });
    expect(parseValidation(LINE)).toBeNull();
    expect(readLogLine(line)).toBeNull();
  });
});

describe('suspicious texts', () => {
  const examples: Readonly<Record<string, string>> = {
    'checkpoint-not-found': 'WARNING: could not find the metadata file /w/latest_checkpointed_iteration.txt',
    'random-start': '    will not load any checkpoints and will start from random',
    'checkpoint-required': ">> '--exit-on-missing-checkpoint' set ... exiting. <<",
    'tracker-invalid': 'ERROR: Invalid metadata file /w/latest_checkpointed_iteration.txt. Exiting',
    'keys-missing': "Missing keys: ['model.lm_head.weight']",
    'keys-unexpected': "Unexpected keys: ['model.layers.46.x']",
    'schedule-differs': 'AssertionError: OptimizerParamScheduler: class input value 1e-05 and checkpoint',
    'device-out-of-memory': 'RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB',
    'disk-full': 'OSError: [Errno 28] No space left on device',
    'port-taken': 'The server socket has failed to listen (errno: 98 - Address already in use).',
    'config-invalid': 'Error: Invalid JSON format in ./data.json',
  };

  test('every rule has an example that it alone meets, and the other way round', () => {
    expect(Object.keys(examples)).toEqual(SUSPICION_RULES.map(({ id }) => id));
    for (const [id, line] of Object.entries(examples)) expect(findSuspicion(`x\r${line} y`)?.id).toBe(id);
  });

  test('only what ruins the training is fatal while it runs', () => {
    for (const { id, severity } of SUSPICION_RULES) {
      const event = readLogLine(examples[id] ?? '');
      expect(event?.kind === 'fatal').toBe(severity === 'fatal');
    }
  });

  test('what ruins the training counts only where the training says it, not in a row that it prints', () => {
    for (const { id } of SUSPICION_RULES.filter(({ severity }) => severity === 'fatal')) {
      const line = examples[id] ?? '';
      expect(findSuspicion(`labels: The log said: ${line}`)).toBeNull();
      expect(findSuspicion(`>>> ${line}`)?.id).toBe(id);
      expect(findSuspicion(`[default0]:${line}`)?.id).toBe(id);
      expect(findSuspicion(`100%|###| 5/5\r${line}`)?.id).toBe(id);
    }
  });

  test('empty lists of keys are good', () => {
    expect(findSuspicion('Missing keys: []')).toBeNull();
    expect(findSuspicion('Unexpected keys: []')).toBeNull();
  });

  test('text of a megabyte line is cut around the finding', () => {
    const found = findSuspicion(`${'a'.repeat(1 << 20)}\rMissing keys: ['w']${'b'.repeat(1 << 20)}`);
    expect(found?.text).toContain("Missing keys: ['w");
    expect(found?.text.length).toBeLessThan(500);
  });
});

test('no line of any shape takes long or throws (property)', () => {
  const pieces = fc.constantFrom(
    'iteration ',
    '7/',
    ' ',
    '|',
    ': ',
    'loss',
    'Media ',
    '[',
    "Missing keys: ['",
    '\r',
    '1.0',
    LINE,
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 200 }), fc.integer({ min: 1, max: 400 }), (parts, times) => {
      const line = parts
        .join('')
        .repeat(times)
        .slice(0, 1 << 20);
      const startedMs = performance.now();
      megatronLog.read(line);
      expect(performance.now() - startedMs).toBeLessThan(1000);
    }),
    { numRuns: 60 },
  );
});

describe('what rank 0 says of its load', () => {
  test('is told by empty lists, also where they are glued', () => {
    expect(megatronLog.mustTell).toEqual(['missing keys', 'unexpected keys']);
    expect(megatronLog.read('Missing keys: []')).toEqual([{ kind: 'told', id: 'missing keys' }]);
    expect(megatronLog.read('Unexpected keys: []')).toEqual([{ kind: 'told', id: 'unexpected keys' }]);
    const both = megatronLog.read('Missing keys: []Unexpected keys: [] ');
    expect(both.map(({ kind }) => kind)).toEqual(['told', 'told']);
  });

  test.each(['Missing keys: [', "Missing keys: ['w']", 'Unexpected keys:', 'loading release checkpoint from /x'])(
    'is not told by %s',
    (line) => {
      expect(megatronLog.read(line).filter(({ kind }) => kind === 'told')).toEqual([]);
    },
  );
});

describe('the modules that are not trained', () => {
  test.each([
    ["Set modules not trainable: {'visual.blocks', 'visual.patch_embed'}", ['visual.blocks', 'visual.patch_embed']],
    ['Set modules not trainable: set()', []],
    ["Set vision model not trainable: ['language_model', 'lm_head']", ['language_model', 'lm_head']],
  ])('are read from %s', (line, modules) => {
    expect(readLogLine(line)).toEqual({ kind: 'frozen', modules });
    expect(readLogLine(`> load model successfully${line}\r`)).toEqual({ kind: 'frozen', modules });
  });

  test('are not read from half a line, or from one that names none', () => {
    expect(readLogLine("Set modules not trainable: {'visual.blocks'")).toBeNull();
    expect(readLogLine('Set modules not trainable: all')).toBeNull();
  });
});
