import { describe, expect, it } from 'vitest';
import { environment } from '../../../../src/recipes/mindspeed-mm/environment/environment.js';
import type { ProbeFacts } from '../../../../src/recipes/mindspeed-mm/environment/probe.js';
import { guideSpec } from '../training/support.js';

const HEAD = '840612c5c1a120d4c46d3c18d52397687df413db';
const CHECKOUTS = { mindspeedMm: '/opt/MindSpeed-MM', mindspeed: '/opt/MindSpeed', transformers: '/opt/transformers' };
const EXISTING = { python: '/opt/env/bin/python', checkouts: CHECKOUTS };
const TOOLS = {
  python: '/opt/env/bin/python',
  node: '/node',
  temper: '/t',
  programs: '/p',
  cpus: 1,
  environment: '/env',
};

type Python = NonNullable<ProbeFacts['python']>;

/** Facts of an existing environment as the guide wants it. */
function facts(over: Partial<ProbeFacts> = {}, python: Partial<Python> = {}): ProbeFacts {
  const at = (head: string) => ({ exists: true, real: null, head, wanted: head, isChanged: false });
  const file = (part: string, text: string) => ({ part, path: `/usr/local/Ascend/${part}`, text });
  return {
    v: 1,
    versionFiles: [
      file('driver', 'Version=25.3.rc1'),
      file('firmware', 'Version=7.8.0'),
      ...['toolkit', 'kernels', 'nnal'].map((part) => file(part, 'Version=8.3.RC1')),
    ],
    setEnv: ['/usr/local/Ascend/cann/set_env.sh'],
    checkouts: { mindspeedMm: at(HEAD), mindspeed: at('d76dbddd'), transformers: at('8cb5963c') },
    megatron: { original: null, copy: 'a'.repeat(64) },
    folders: {},
    python: {
      version: '3.10.14',
      count: 200,
      digest: 'b'.repeat(64),
      packages: {
        torch: { version: '2.7.1', editable: null },
        'torch-npu': { version: '2.7.1', editable: null },
        mindspeed: { version: '0.12.1', editable: CHECKOUTS.mindspeed },
        'mindspeed-mm': { version: '0.1', editable: CHECKOUTS.mindspeedMm },
        transformers: { version: '4.57.1', editable: CHECKOUTS.transformers },
      },
      modules: {
        megatron: `${CHECKOUTS.mindspeedMm}/megatron`,
        mindspeed: `${CHECKOUTS.mindspeed}/mindspeed`,
        mindspeed_mm: `${CHECKOUTS.mindspeedMm}/mindspeed_mm`,
        transformers: `${CHECKOUTS.transformers}/src/transformers`,
      },
      hasPip: true,
      scripts: { 'mm-convert': true },
      ...python,
    },
    basePython: null,
    hasGit: true,
    ...over,
  };
}

const read = (found: ProbeFacts, over: Readonly<Record<string, unknown>> = {}) =>
  environment.read(found, guideSpec({ environment: EXISTING, ...over }), TOOLS);
const withVersion = (part: string, text: string | null): Partial<ProbeFacts> => ({
  versionFiles: facts().versionFiles.flatMap((file) =>
    file.part === part ? (text === null ? [] : [{ ...file, text }]) : [file],
  ),
});

describe('an existing environment', () => {
  it('as the guide wants it is accepted, and nothing is repaired', () => {
    expect(read(facts())).toMatchObject({ problems: [], warnings: [], repairs: [] });
  });

  it('from a branch is told with the commit that it is now', () => {
    const warnings = (sources: object): readonly string[] => {
      const spec = guideSpec({ environment: { ...EXISTING, sources } });
      return (environment.read(facts(), spec, TOOLS).warnings ?? []).filter((text) => text.includes('may move'));
    };
    expect(warnings({ mindspeedMm: { ref: 'master' } })).toEqual([
      `MindSpeed-MM: master may move, it is ${HEAD} now; pin it with environment.sources.mindspeedMm.ref: ${HEAD}`,
    ]);
    expect(warnings({ mindspeedMm: { ref: HEAD }, megatronLm: { ref: 'core_v0.12.1' } })).toEqual([]);
    expect(warnings({ transformers: { ref: '8cb5963' } })).toEqual([]);
  });

  it('with another Python, a post release and a newer CANN is accepted with warnings', () => {
    const python = facts().python?.packages ?? {};
    const found = facts(withVersion('toolkit', 'Version=8.5.0'), {
      version: '3.11.9',
      packages: {
        ...python,
        'torch-npu': { version: '2.7.1.post2', editable: null },
        torch: { version: '2.8.0', editable: null },
      },
    });
    const { problems, warnings } = read(found);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      "CANN toolkit is 8.5.0, the guide's set is 8.3.RC1",
      'Python is 3.11.9, the guide recommends 3.10',
      'torch is 2.8.0, the guide recommends 2.7.1',
    ]);
  });

  it('with an older Python is refused', () => {
    expect(read(facts({}, { version: '3.9.2' })).problems).toMatchObject([{ what: expect.stringContaining('3.9.2') }]);
  });

  it.each([
    [
      'a drifted commit',
      {
        checkouts: {
          ...facts().checkouts,
          mindspeed: { exists: true, real: null, head: 'aaa', wanted: 'bbb', isChanged: false },
        },
      },
      'MindSpeed is at aaa',
    ],
    [
      'a folder that is no checkout',
      {
        checkouts: {
          ...facts().checkouts,
          mindspeedMm: { exists: true, real: null, head: null, wanted: null, isChanged: false },
        },
      },
      'no checkout',
    ],
    [
      'changed files',
      {
        checkouts: {
          ...facts().checkouts,
          transformers: { exists: true, real: null, head: 'a', wanted: 'a', isChanged: true },
        },
      },
      'files of transformers differ',
    ],
  ])('with %s is refused and not changed', (_what, over, text) => {
    const { problems, repairs } = read(facts(over));
    expect(problems).toMatchObject([
      { what: expect.stringContaining(text), fix: expect.stringContaining('environment.sources') },
    ]);
    expect(repairs).toEqual([]);
  });
});

describe('an environment behind a link', () => {
  const behind = facts();
  const moved = (path: string | null) => path?.replace(/^\/opt/, '/disk/opt') ?? null;
  const python = {
    packages: Object.fromEntries(
      Object.entries(behind.python?.packages ?? {}).map(([name, one]) => [
        name,
        { ...one, editable: moved(one.editable) },
      ]),
    ),
    modules: Object.fromEntries(
      Object.entries(behind.python?.modules ?? {}).map(([name, place]) => [name, moved(place)]),
    ),
  };

  it('is the one that its imports reach, though these are told without the link', () => {
    const checkouts = Object.fromEntries(
      Object.entries(behind.checkouts).map(([name, one]) => [
        name,
        { ...one, real: moved(CHECKOUTS[name as keyof typeof CHECKOUTS]) },
      ]),
    );
    expect(read(facts({ checkouts }, python))).toMatchObject({ problems: [], warnings: [] });
  });

  it('is another one where the link leads elsewhere', () => {
    expect(read(facts({}, python)).problems).toMatchObject([
      { what: expect.stringContaining('/disk/opt/MindSpeed/mindspeed') },
      { what: expect.stringContaining('/disk/opt/MindSpeed-MM/mindspeed_mm') },
      { what: expect.stringContaining('/disk/opt/transformers/src/transformers') },
    ]);
  });
});

it.each([
  ['elsewhere', '/opt/other/mindspeed_mm'],
  ['nowhere', null],
])('an existing environment whose mindspeed_mm is imported from %s is refused', (_what, place) => {
  const modules = { ...facts().python?.modules, mindspeed_mm: place };
  expect(read(facts({}, { modules })).problems).toMatchObject([
    { what: `MindSpeed-MM is imported from ${place ?? 'nowhere'}, not from /opt/MindSpeed-MM` },
  ]);
});

describe('driver, firmware and CANN', () => {
  it.each([
    ['driver', 'driver: found none, wanted any version'],
    ['firmware', 'firmware: found none, wanted any version'],
    ['toolkit', 'CANN toolkit: found none, wanted 8.3.RC1 or newer'],
    ['kernels', 'CANN kernels: found none, wanted 8.3.RC1 or newer'],
    ['nnal', 'NNAL: found none, wanted 8.3.RC1 or newer'],
  ])('a missing %s is named with what was wanted and where it was looked for', (part, what) => {
    expect(read(facts(withVersion(part, null))).problems).toMatchObject([
      {
        code: 'EnvironmentUnfit',
        what,
        why: expect.stringContaining('/usr/local/Ascend/'),
        fix: expect.stringContaining('Temper never does'),
      },
    ]);
  });

  it('variables are judged once more by the version that is there', () => {
    const newer = facts(withVersion('toolkit', 'Version=8.5.0'));
    const warned = (env: object): readonly string[] =>
      read(newer, { train: { env } }).warnings?.filter((text) => text.startsWith('train.env: ')) ?? [];
    expect(warned({ HCCL_EXEC_TIMEOUT: 1_800, HCCL_OP_EXPANSION_MODE: 'AIV' })).toEqual([
      expect.stringMatching(/^train\.env: HCCL_EXEC_TIMEOUT is "1800": .* atlas-a3 with CANN 8\.5\.0 documents/),
    ]);
    expect(warned({ HCCL_EXEC_TIMEOUT: 1_800 })).toEqual([]);
    // Told when the spec was read, and accepted there.
    expect(warned({ TASK_QUEUE_ENABLE: 3 })).toEqual([]);
    expect(
      read(facts(), { train: { env: { HCCL_EXEC_TIMEOUT: 1_800, HCCL_OP_EXPANSION_MODE: 'AIV' } } }),
    ).toMatchObject({
      warnings: [],
    });
  });

  it('older ones are an error while the fused operators are on, a warning while they are off', () => {
    const old = facts(withVersion('toolkit', 'Version=8.2.RC1'));
    expect(read(old).problems).toMatchObject([{ what: 'CANN toolkit: found 8.2.RC1, wanted 8.3.RC1 or newer' }]);
    const off = read(old, { train: { fusedMoe: false } });
    expect(off.problems).toEqual([]);
    expect(off.warnings).toEqual(["CANN toolkit is 8.2.RC1, the guide's set is 8.3.RC1"]);
  });

  it('an older torch_npu too', () => {
    const packages = { ...facts().python?.packages, 'torch-npu': { version: '2.6.0', editable: null } };
    expect(read(facts({}, { packages })).problems).toMatchObject([
      { what: 'torch_npu: found 2.6.0, wanted 2.7.1 or newer' },
    ]);
    expect(read(facts({}, { packages }), { train: { fusedMoe: false } }).problems).toEqual([]);
  });

  describe('with two toolkits', () => {
    const at = (path: string, version: string) => [
      { part: 'toolkit', path: `${path}/version.info`, text: `Version=${version}` },
      { part: 'kernels', path: `${path}/opp_kernel/version.info`, text: `Version=${version}` },
    ];
    const others = facts().versionFiles.filter(({ part }) => part !== 'toolkit' && part !== 'kernels');
    const [NEW, OLD] = ['/usr/local/Ascend/cann', '/usr/local/Ascend/ascend-toolkit/latest'];

    it('the one that is sourced is judged, not the first one that tells a version', () => {
      const versionFiles = [...others, ...at(NEW, '8.5.0'), ...at(OLD, '8.2.RC1')];
      const { problems, lock } = read(facts({ versionFiles, setEnv: ['/usr/local/Ascend/ascend-toolkit/set_env.sh'] }));
      expect(lock).toMatchObject({ 'CANN toolkit': '8.2.RC1', 'CANN kernels': '8.2.RC1' });
      expect(problems).toHaveLength(2);
      const newer = read(facts({ versionFiles, setEnv: [`${NEW}/set_env.sh`] }));
      expect(newer).toMatchObject({ problems: [], lock: { 'CANN toolkit': '8.5.0' } });
    });

    it.each(['/opt/cann-8.5.0/set_env.sh', '/opt/cann-8.5.0/bin/setenv.bash'])(
      'that of cannEnv %s counts',
      (cannEnv) => {
        const spec = guideSpec({ environment: { ...EXISTING, cannEnv } });
        const { argv } = environment.probe(TOOLS, spec);
        expect(argv.at(-1)).toContain('"/opt/cann-8.5.0/version.info"');
        const versionFiles = [...others, ...at(NEW, '8.2.RC1'), ...at('/opt/cann-8.5.0', '8.5.0')];
        expect(environment.read(facts({ versionFiles, setEnv: [cannEnv] }), spec, TOOLS)).toMatchObject({
          problems: [],
          lock: { 'CANN toolkit': '8.5.0', 'CANN kernels': '8.5.0' },
        });
      },
    );
  });

  it('kernels without a version file are seen by their folder', () => {
    const files = facts().versionFiles.map((file) => (file.part === 'kernels' ? { ...file, text: null } : file));
    const { problems, lock } = read(facts({ versionFiles: files }));
    expect(problems).toEqual([]);
    expect(lock['CANN kernels']).toBe('present');
  });

  it('a missing set_env.sh is named with both places', () => {
    expect(read(facts({ setEnv: ['/usr/local/Ascend/nnal/atb/set_env.sh'] })).problems).toMatchObject([
      { what: expect.stringMatching(/cann\/set_env\.sh and .*ascend-toolkit\/set_env\.sh/) },
    ]);
  });

  it('an answer of another form is a problem, not a crash', () => {
    expect(environment.read({ v: 2 }, guideSpec(), TOOLS).problems).toHaveLength(1);
  });
});
