import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SUSPICION_RULES } from '../../../../src/recipes/megatron/suspicions.js';
import { CHECK_IDS } from '../../../../src/domain/preflight/list.js';
import { GENERIC_RULES } from '../../../../src/domain/causes/cause-rules.js';
import { toWords, trainingArguments } from '../../../../src/recipes/mindspeed-mm/training/arguments.js';
import { dataFile } from '../../../../src/recipes/mindspeed-mm/training/data-file.js';
import { configFiles, trainingLaunch } from '../../../../src/recipes/mindspeed-mm/training/launch.js';
import { trainingLints } from '../../../../src/recipes/mindspeed-mm/training/lint.js';
import { NPU_CHECKS } from '../../../../src/recipes/mindspeed-mm/preflight/list.js';
import { TRAPS } from '../../../../src/recipes/mindspeed-mm/training/traps.js';
import { guideFacts, guideSpec } from './support.js';

type Over = Readonly<Record<string, unknown>>;
const CHECKPOINT = { every: 500, keep: 3, fidelity: 'full' };

/** A spec for each lint that stops a trap. */
const SPRUNG: Readonly<Record<string, Over>> = {
  'train/one-checkpoint': { checkpoint: { ...CHECKPOINT, every: 10_000 } },
  'train/weights-only-warmup': { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } },
  'train/weights-only-resume': { checkpoint: { ...CHECKPOINT, fidelity: 'weights-only' } },
  'data/streaming-no-resume': { dataLoader: { streaming: true } },
  'data/image-exceeds-sequence': { dataLoader: { imageMaxPixels: 1_048_576 } },
  'train/short-timeout': { distributedTimeout: '5m' },
};

/** What a launch must be, for each trap that it stops. */
const LAUNCHED: Readonly<Record<string, (argv: readonly string[]) => boolean>> = {
  'fidelity decides the four flags': (argv) =>
    !argv.some((word) => word.startsWith('--no-save')) && argv.includes('--no-load-optim'),
  'torchrun is started itself, without a shell': (argv) => argv[1] === '-m' && argv[2] === 'torch.distributed.run',
  "--load is the attempt's own view": (argv) => after(argv, '--load') === '/attempt/load',
  "--save is the attempt's own folder": (argv) => after(argv, '--save') === '/attempt/ckpt',
  "cache_dir is on the host's own disk": () =>
    JSON.stringify(dataFile(guideFacts())).includes('"cache_dir":"/scratch/caches/'),
  'all values of a host are computed': (argv) => after(argv, '--node_rank') === '2' && after(argv, '--nnodes') === '8',
  'interfaces are named': () => trainingLaunch(guideFacts(), 'python').env['GLOO_SOCKET_IFNAME'] === 'enp1s0',
  '--exit-on-missing-checkpoint': (argv) => argv.includes('--exit-on-missing-checkpoint'),
  '--distributed-timeout-minutes from the rows': (argv) => Number(after(argv, '--distributed-timeout-minutes')) > 30,
  'the file is made, with known keys only': () => configFiles(guideFacts()).length === 3,
  'node rank, address and batch are computed': (argv) => after(argv, '--global-batch-size') === '128',
  'an array of arguments, never a text': (argv) => argv.every((word) => !/[#\\\n]/.test(word)),
};

describe('the traps of the example', () => {
  it('are all there: T1 to T12, and the twenty late failures', () => {
    const ids = [
      ...Array.from({ length: 12 }, (_, index) => `T${index + 1}`),
      ...Array.from({ length: 20 }, (_, index) => `L${index + 1}`),
    ];
    expect(TRAPS.map(({ id }) => id)).toEqual(ids);
    expect(TRAPS.every(({ guards, what }) => guards.length > 0 && what !== '')).toBe(true);
  });

  it('late ones are each tried on the fake fleet, at the stage that must stop them', () => {
    const tests = ['ascend/late-failures', 'ascend/late-data', 'ascend/late-launch'];
    const text = [...tests, 'recipes/mindspeed-mm/environment/installation']
      .map((name) => readFileSync(new URL(`../../../${name}.test.ts`, import.meta.url), 'utf8'))
      .join('\n');
    const late = TRAPS.filter(({ id }) => id.startsWith('L'));
    expect(late.filter(({ id }) => !new RegExp(`\\b${id}: `).test(text)).map(({ id }) => id)).toEqual([]);
  });

  it.each(TRAPS.flatMap(({ id, what, guards }) => guards.map((guard) => ({ id, what, guard }))))(
    '$id: $what ($guard.by)',
    ({ guard }) => {
      switch (guard.by) {
        case 'lint': {
          expect(trainingLints(guideSpec()).map((lint) => lint.id)).not.toContain(guard.id);
          expect(trainingLints(sprung(guard.id)).map((lint) => lint.id)).toContain(guard.id);
          return;
        }
        case 'launch':
          expect(LAUNCHED[guard.what]?.(trainingLaunch(guideFacts(), 'python').argv)).toBe(true);
          return;
        case 'log': {
          // A rule that only explains stops nothing.
          const stops = SUSPICION_RULES.some(({ id, severity }) => id === guard.rule && severity === 'fatal');
          expect(
            stops || GENERIC_RULES.some(({ match }) => match.kind === 'event' && match.id.source.includes(guard.rule)),
          ).toBe(true);
          return;
        }
        case 'preflight':
          // A check of this id exists; that it fails where it must is tested beside it.
          expect([...CHECK_IDS, ...Object.keys(NPU_CHECKS)]).toContain(guard.check);
          return;
        case 'stage':
          // Told here, stopped there: each has its own test beside its check.
          expect(guard.check).toMatch(/\S/);
      }
    },
  );

  function sprung(id: string) {
    if (id === 'workspace/comma-in-path') return guideSpec({ workspace: '/mnt/my folder' });
    const over = SPRUNG[id];
    if (over === undefined) throw new Error(`no spec of this test raises ${id}`);
    return guideSpec({ train: over });
  }
});

describe('the lints of the training', () => {
  it("find nothing in the guide's spec", () => {
    expect(trainingLints(guideSpec())).toEqual([]);
  });

  it.each<[string, Over, string]>([
    ['a loss that is not said', { loss: undefined }, 'error train/loss-required false'],
    [
      'everything frozen',
      { freeze: { visionEncoder: true, visionProjector: true, textDecoder: true } },
      'error train/all-frozen false',
    ],
    ['a save for the whole run', { checkpoint: { ...CHECKPOINT, every: 10_000 } }, 'error train/one-checkpoint true'],
    ['a save in the second half', { checkpoint: { ...CHECKPOINT, every: 5_001 } }, 'warning train/one-checkpoint true'],
    ['a warm-up without end', { warmupFraction: 1 }, 'error train/warmup-whole-run false'],
    ['a stream', { dataLoader: { streaming: true } }, 'error data/streaming-no-resume true'],
    ['ports in the wrong order', { masterPorts: '6010-6000' }, 'error train/no-master-port false'],
    ['ports that need rights', { masterPorts: '1000' }, 'error train/no-master-port false'],
    ['no fused experts', { fusedMoe: false }, 'warning train/fused-moe-off true'],
    [
      'pixels crossed',
      { dataLoader: { imageMinPixels: 2_000, imageMaxPixels: 1_000 } },
      'error data/image-pixels false',
    ],
  ])('tell %s', (_what, over, says) => {
    const found = trainingLints(guideSpec({ train: over }));
    expect(found.map(({ id, severity, acceptable }) => `${severity} ${id} ${acceptable}`)).toContain(says);
    for (const { what, why, fix } of found) expect(what !== '' && why !== '' && fix !== '').toBe(true);
  });

  it('refuse workers beside a stream, and take a stream without', () => {
    const ids = (workers?: number): string[] =>
      trainingLints(
        guideSpec({ train: { dataLoader: { streaming: true, ...(workers === undefined ? {} : { workers }) } } }),
      ).map(({ id }) => id);
    expect(ids(4)).toEqual(['data/streaming-no-resume', 'data/streaming-workers']);
    expect(ids(0)).toEqual(['data/streaming-no-resume']);
    expect(ids()).toEqual(['data/streaming-no-resume']);
  });
});

describe('a launch of several hosts', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.1.2.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
  ])('never meets at %s', (masterAddress) => {
    expect(() => trainingLaunch(guideFacts(guideSpec(), { masterAddress }), 'python')).toThrow(/8 hosts cannot meet/);
    const alone = guideFacts(guideSpec({ fleet: { hosts: 1, npusPerHost: 16 } }), { masterAddress, nodeRank: 0 });
    expect(after(trainingLaunch(alone, 'python').argv, '--master_addr')).toBe(masterAddress);
  });

  it('gives every host the same arguments but for its place in the gang', () => {
    const of = (nodeRank: number): string[] => {
      const argv = [...trainingLaunch(guideFacts(guideSpec(), { nodeRank }), 'python').argv];
      argv[argv.indexOf('--node_rank') + 1] = 'its own';
      return argv;
    };
    for (let rank = 1; rank < 8; rank += 1) expect(of(rank)).toEqual(of(0));
    expect(toWords(trainingArguments(guideFacts())).every((word) => word !== '')).toBe(true);
  });
});

function after(argv: readonly string[], flag: string): string | undefined {
  return argv[argv.indexOf(flag) + 1];
}
