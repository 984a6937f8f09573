import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CollectReportSchema, type RetentionPolicy } from '../../src/schemas/retention.js';
import { PromotedModelSchema } from '../../src/schemas/models.js';
import { ScheduleAppliedSchema, ScheduleDoneSchema, ScheduleReportSchema } from '../../src/schemas/schedule.js';
import type { ModelService, ScheduleService } from '../../src/cli/run-service.js';
import { retrainSpec } from '../e2e/support/retrains.js';
import { fakeRuns, temper } from './support.js';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/formats/${name}/v1.json`, import.meta.url), 'utf8'));
const schedules = (known: Partial<ScheduleService>) => ({ runs: { schedules: { ...fakeRuns().schedules, ...known } } });
const models = (known: Partial<ModelService>) => ({ runs: { models: { ...fakeRuns().models, ...known } } });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'temper-cli-retrains-'));
  await writeFile(join(folder, 'spec.yaml'), retrainSpec({ workspace: './ws' }));
  await writeFile(
    join(folder, 'nightly.yaml'),
    "apiVersion: temper/v1\nkind: Retrain\nname: nightly\nspec: ./spec.yaml\nschedule: { cron: '0 2 * * *' }\n",
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('temper schedule', () => {
  it('tells what is wrong with a spec or a day without a server', async () => {
    const connects = (): Promise<never> => Promise.reject(new Error('it connected'));
    const service = schedules({ apply: connects, backfill: connects });
    await writeFile(join(folder, 'dated.yaml'), retrainSpec({ workspace: './ws-{{date}}' }));
    const file = 'apiVersion: temper/v1\nkind: Retrain\nname: dated\nspec: ./dated.yaml\nschedule: { every: 1h }\n';
    await writeFile(join(folder, 'dated-schedule.yaml'), file);
    const applied = await temper(['schedule', 'apply', 'dated-schedule.yaml'], { cwd: folder, ...service });
    expect(applied).toMatchObject({ status: 2, stderr: expect.stringContaining('the workspace holds a date') });
    const days = ['schedule', 'backfill', 'nightly', '--from', '2026-02-01', '--to', '2026-02-31'];
    const filled = await temper(days, { cwd: folder, ...service });
    expect(filled).toMatchObject({ status: 2, stderr: expect.stringContaining('"2026-02-31" is no time') });
  });

  it('applies a file with its spec, and shows what changes', async () => {
    const asked: unknown[] = [];
    const applied = ScheduleAppliedSchema.parse(golden('schedule-applied'));
    const ran = await temper(['schedule', 'apply', 'nightly.yaml', '--dry-run'], {
      cwd: folder,
      ...schedules({
        apply: async (request, isDryRun) => {
          asked.push(request.specFile, request.specText.includes('name: retrained'), isDryRun);
          return applied;
        },
      }),
    });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(asked).toEqual([join(folder, 'spec.yaml'), true, true]);
    expect(ran.stdout).toContain('schedule nightly would be updated');
    expect(ran.stdout).toContain('~ schedule.cron: 0 2 * * * -> 0 3 * * *');
    expect(ran.stdout).toContain('+ spec.train.env.A: 1');
  });

  it('refuses a wrong file before it connects', async () => {
    await writeFile(
      join(folder, 'wrong.yaml'),
      'apiVersion: temper/v1\nkind: Retrain\nname: x\nspec: ./s\nschedule: { every: 1h, overlap: ALLOW_ALL }\n',
    );
    const ran = await temper(['schedule', 'apply', 'wrong.yaml'], { cwd: folder });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('overlap ALLOW_ALL is refused');
    expect(ran.stderr).toContain('wrong.yaml:5:');
  });

  it('describes a schedule: next times in its zone, runs, and why the last one changed nothing', async () => {
    const report = ScheduleReportSchema.parse(golden('schedule-report'));
    const { stdout, status } = await temper(
      ['schedule', 'describe', 'nightly'],
      schedules({ describe: async () => report }),
    );
    expect(status).toBe(0);
    expect(stdout).toContain('2026-11-27 02:00:00 Asia/Shanghai');
    expect(stdout).toContain('12 started, 1 left out because a run was under way');
    expect(stdout).toContain(
      'why the last one that changed nothing did so: the inputs are those of the promoted model 2',
    );
    const list = { v: 1 as const, schedules: [report] };
    const json = await temper(['schedule', 'ls', '-o', 'json'], schedules({ list: async () => list }));
    expect(JSON.parse(json.stdout)).toEqual(list);
  });

  it('asks before it deletes', async () => {
    const done = { ...ScheduleDoneSchema.parse(golden('schedule-done')), did: 'deleted' as const, text: 'gone' };
    const service = schedules({ delete: async () => done });
    expect(await temper(['schedule', 'delete', 'nightly'], service)).toMatchObject({ status: 2, stdout: '' });
    expect(await temper(['schedule', 'delete', 'nightly'], { ...service, answer: true })).toMatchObject({
      status: 0,
      stdout: 'gone\n',
    });
    expect(await temper(['schedule', 'delete', 'nightly', '--yes'], service)).toMatchObject({ status: 0 });
  });

  it('lets a person approve or refuse a run, by name', async () => {
    const answers: unknown[] = [];
    const service = schedules({
      approve: async (run, answer) => {
        answers.push([run, answer]);
        return { v: 1, run, isApproved: answer.isApproved };
      },
    });
    const options = { ...service, env: { USER: 'ada' } };
    expect(await temper(['approve', 'n-1'], options)).toMatchObject({
      status: 0,
      stdout: 'n-1 is approved and being promoted\n',
    });
    expect(await temper(['approve', 'n-1', '--refuse', '--reason', 'bad'], options)).toMatchObject({
      stdout: 'n-1 is refused\n',
    });
    expect(answers).toEqual([
      ['n-1', { isApproved: true, by: 'ada', reason: 'approved' }],
      ['n-1', { isApproved: false, by: 'ada', reason: 'bad' }],
    ]);
  });
});

describe('temper models and gc', () => {
  it('shows models with their numbers and history', async () => {
    const report = PromotedModelSchema.parse(golden('promoted-model'));
    const service = models({ list: async () => [report] });
    expect((await temper(['models', 'ls'], service)).stdout).toContain('numbers');
    const { stdout } = await temper(['models', 'show', 'numbers'], service);
    expect(stdout).toMatch(/rollback +3 -> 2 +ada +answers in rhymes/);
    expect(stdout).toContain('evalLoss 0.41');
  });

  it('looks in the workspace that is named, whatever is done', async () => {
    const asked: unknown[] = [];
    const report = PromotedModelSchema.parse(golden('promoted-model'));
    const change = report.history[0];
    if (change === undefined) throw new Error('the fixture has no history');
    const service = models({
      list: async (place) => (asked.push(place), [report]),
      promote: async (place, { run }) => (asked.push(place, run), { v: 1, change }),
      rollBack: async (place) => (asked.push(place), { v: 1, change }),
    });
    const commands = [['ls'], ['show', 'numbers'], ['promote', 'numbers', '--run', 'n-1'], ['rollback', 'numbers']];
    for (const command of commands) {
      const line = ['models', ...command, '--workspace', 'ws', '--fleet', 'far'];
      expect(await temper(line, { ...service, cwd: folder })).toMatchObject({ status: 0 });
    }
    const place = { workspace: join(folder, 'ws'), fleet: 'far' };
    expect(asked).toEqual([place, place, place, 'n-1', place]);
    asked.length = 0;
    await temper(['models', 'promote', 'numbers', '--run', 'n-1'], service);
    expect(asked).toEqual([null, 'n-1']);
  });

  it.each([
    [['--older-than', '30d'], { olderThanMs: 2_592_000_000 }],
    [['--keep-runs', '5', '--keep-checkpoints', '1'], { keepRuns: 5, keepCheckpoints: 1 }],
    [['--checkpoints-older-than', '7d'], { checkpointsOlderThanMs: 604_800_000 }],
    [['--max-bytes', '1.5TB'], { maxBytes: 1.5e12 }],
    [['--max-bytes', '500'], { maxBytes: 500 }],
  ])('gc takes %j', async (args, expected) => {
    const policies: RetentionPolicy[] = [];
    const report = CollectReportSchema.parse(golden('collect-report'));
    const collect: ModelService['collect'] = async (_place, policy, isDryRun) => {
      policies.push(policy);
      return [{ ...report, isDryRun }];
    };
    const ran = await temper(['gc', '--dry-run', ...args], models({ collect }));
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('would free 5.0 KB of 9.0 KB');
    expect(policies).toEqual([
      { olderThanMs: null, keepRuns: null, maxBytes: null, keepCheckpoints: null, ...expected },
    ]);
  });

  it('gc removes nothing without a limit, without a yes, or with one that it cannot read', async () => {
    const report = CollectReportSchema.parse(golden('collect-report'));
    const asked: boolean[] = [];
    const collect: ModelService['collect'] = async (_place, _policy, isDryRun) => {
      asked.push(isDryRun);
      return [report];
    };
    expect(await temper(['gc'], models({ collect }))).toMatchObject({ status: 2 });
    expect(await temper(['gc', '--older-than', 'soon'], models({ collect }))).toMatchObject({ status: 2 });
    expect(await temper(['gc', '--max-bytes', '5 apples'], models({ collect }))).toMatchObject({ status: 2 });
    expect(await temper(['gc', '--keep-runs', '1'], models({ collect }))).toMatchObject({ status: 2 });
    expect(asked).toEqual([true]);
    expect(await temper(['gc', '--keep-runs', '1', '--yes'], models({ collect }))).toMatchObject({ status: 0 });
    expect(asked).toEqual([true, false]);
  });
});
