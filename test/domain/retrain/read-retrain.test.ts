import { describe, expect, it } from 'vitest';
import { readRetrain } from '../../../src/domain/retrain/read-retrain.js';

const WHOLE = `apiVersion: temper/v1
kind: Retrain
name: nightly
spec: ./pipeline.yaml
schedule: { cron: '0 2 * * *', timezone: Asia/Shanghai }
`;

describe('a schedule file', () => {
  it('has defaults that suit trainings', () => {
    const read = readRetrain(WHOLE, 'nightly.yaml');
    expect(read.problems).toEqual([]);
    expect(read.retrain).toMatchObject({
      schedule: { overlap: 'SKIP', catchup: '2h', pauseOnFailure: true },
      startFrom: 'base',
      evaluation: 'heldOut',
      gate: ['evalLoss <= promoted.evalLoss * 1.01'],
      keep: 3,
    });
  });

  it.each([
    ['approval: none', null],
    ['approval: required', 12 * 3_600_000],
    ['approval: { within: 4h }', 4 * 3_600_000],
    ['approval: { required: false, within: 4h }', null],
  ])('with %s waits %s ms', (line, expected) => {
    expect(readRetrain(`${WHOLE}${line}\n`, 'f')).toMatchObject({ approvalMs: expected, problems: [] });
  });

  it.each([
    ['overlap: TERMINATE_OTHER', 'nightly.yaml:5:', 'overlap TERMINATE_OTHER is refused', 'orphan'],
    ['overlap: ALLOW_ALL', 'nightly.yaml:5:', 'overlap ALLOW_ALL is refused', 'twice at once'],
    ['overlap: BUFFER_ALL', 'nightly.yaml:5:', 'overlap BUFFER_ALL is refused', 'pile up'],
    ['every: 6h', 'nightly.yaml:5:', 'give one of cron and every', ''],
    ['catchup: 5s', 'nightly.yaml:5:', '5s is under 10s', ''],
    ['timezone: Mars/Olympus', 'nightly.yaml:5:', 'there is no zone Mars/Olympus', ''],
    ['jiter: 5m', 'nightly.yaml:5:', 'unknown key "jiter"', ''],
  ])('with %s in the schedule is refused', (line, where, what, why) => {
    const [key = ''] = line.split(':');
    const schedule = key === 'timezone' ? `cron: '0 2 * * *', ${line}` : `cron: '0 2 * * *', timezone: UTC, ${line}`;
    const { problems } = readRetrain(WHOLE.replace(/schedule: .*/, `schedule: { ${schedule} }`), 'nightly.yaml');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ what: expect.stringContaining(what), why: expect.stringContaining(why) });
    expect(problems[0]?.where).toContain(where);
  });

  it.each([
    ['approval: { within: 24h }', 'the approval may take 86400 s, and the next run is due 86400 s after'],
    ['gate: [evalLoss]', 'compares nothing'],
    ['gate: [accuracy > 0.5]', 'accuracy is not measured'],
    ['gate: []', 'the list has 0 entries'],
    ['inputs: [{ data: rows, glob: "/r/{{day}}.json" }]', '{{day}} is unknown'],
    ['startFrom: promoted\ninputs: [{ hub: weights }]', 'hub: weights has no effect'],
    ['inputs: [{ data: rows, glob: "/r/{{date}}/*.{json,jsonl}" }]', 'has braces'],
    ['keep: 0', '0 is too small'],
    ['evaluationTimeout: 0s', 'a number above 0'],
    ['waitForHosts: 0s', 'a number above 0'],
    ['inputs: [{ data: rows, glob: "/r/*" }, { data: rows, glob: "/s/*" }]', 'data set rows has two globs'],
    ['evaluation: { heldOut: rows.json }', 'rows.json is not absolute'],
    ['evaluation: { heldOut: "/rows/{{date}}.json" }', 'holds a template'],
    ['evaluation: { command: [m.py, "{{date}}"] }', '{{date}} is not filled'],
    ['evaluation: { command: [m.py, "{{ model }}"] }', '{{ model }} is not filled'],
    ['name: nightly-of-a-very-long-name', 'at most 24'],
    ['specs: ./x', 'unknown key'],
  ])('with %s is refused', (line, what) => {
    const text = line.startsWith('name') ? WHOLE.replace(/name: .*/, line) : `${WHOLE}${line}\n`;
    expect(JSON.stringify(readRetrain(text, 'nightly.yaml').problems)).toContain(what);
  });

  it.each(['90500ms', '0s', '0.5s'])('with every: %s, which the server would round, is refused', (every) => {
    const text = WHOLE.replace(/schedule: .*/, `schedule: { every: ${every} }`);
    const what = `${every} is no whole number of seconds`;
    expect(readRetrain(text, 'f').problems).toEqual([expect.objectContaining({ what })]);
  });

  it('takes a date in a glob', () => {
    const text = `${WHOLE}inputs: [{ data: rows, glob: '/r/{{date-1d}}/**' }]\n`;
    expect(readRetrain(text, 'f').problems).toEqual([]);
  });

  it('takes any number of an own evaluation', () => {
    const text = `${WHOLE}evaluation: { command: [python3, m.py, '{{model}}'] }\ngate: [accuracy > promoted.accuracy]\n`;
    expect(readRetrain(text, 'f').problems).toEqual([]);
  });

  it.each([
    [
      'keep: many',
      'keep',
      '"many" is text',
      /^it means: Promoted models to keep/,
      /^write a whole number from 1 up to/,
    ],
    ['startFrom: promotd', 'startFrom', '"promotd" is none of', /^it means: Train from/, /^did you mean promoted\?$/],
    ['approvel: none', 'approvel', 'unknown key "approvel"', /silently/, /^did you mean approval\?$/],
    ['timezone: UTC', 'timezone', 'unknown key "timezone"', /silently/, /^it belongs under schedule$/],
    [
      'approval: { within: 24 }',
      'approval',
      'a section stands here',
      /^it means: Whether a person/,
      /none, required or/,
    ],
  ])('says of %s where, what, why and the fix', (line, path, what, why, fix) => {
    expect(readRetrain(`${WHOLE}${line}\n`, 'f').problems).toEqual([
      expect.objectContaining({
        where: expect.stringMatching(new RegExp(`^f:6:\\d+ ${path}$`)),
        what: expect.stringContaining(what),
        why: expect.stringMatching(why),
        fix: expect.stringMatching(fix),
      }),
    ]);
  });

  it('tells what the rules find together with what does not fit, but nothing that follows from that', () => {
    const whats = (more: string, schedule = "{ cron: '0 2 * * *' }"): string[] =>
      readRetrain(`${WHOLE.replace(/schedule: .*/, `schedule: ${schedule}`)}${more}`, 'f').problems.map(
        ({ what }) => what,
      );
    expect(whats('keep: 0\n', "{ cron: '99 2 * * *', jiter: 5m }")).toEqual([
      'unknown key "jiter"',
      '0 is too small',
      expect.stringContaining('99'),
    ]);
    // Of an evaluation that nobody understands, the gate cannot be judged; nor an approval without times.
    expect(whats('evaluation: 5\ngate: [accuracy > 1]\n')).toEqual(['a whole number stands here']);
    expect(whats('approval: { within: 48h }\n', '{ every: 3 }')).toEqual(['3 is a whole number']);
  });

  it('tells all problems at once and never throws', () => {
    expect(readRetrain('kind: Retrain\nfoo: 1\nschedule: {}\n', 'f').problems.length).toBeGreaterThan(3);
    for (const text of ['', '[]', '5', 'a: [', '\u0000', 'schedule: 5', '- kind: Retrain'])
      expect(readRetrain(text, 'f').problems.length).toBeGreaterThan(0);
  });
});
