import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../../../../src/recipes/mindspeed-mm/training/environment-table.js';
import { environmentLints } from '../../../../src/recipes/mindspeed-mm/training/lint-environment.js';
import { readStoredSpec } from '../../../../src/domain/spec/read-spec.js';
import { GUIDE_INPUT, guideSpec } from './support.js';

type Value = string | number | boolean;

/** Each row of the guide's table: what it is set to here, what it allows, what it does not. */
const TABLE: readonly {
  readonly name: string;
  readonly launched: string | null;
  readonly allows: readonly Value[];
  readonly refuses: readonly Value[];
}[] = [
  { name: 'ASCEND_SLOG_PRINT_TO_STDOUT', launched: '0', allows: [0, 1], refuses: [2, 'yes', ''] },
  { name: 'ASCEND_GLOBAL_LOG_LEVEL', launched: '3', allows: [0, 1, 2, 3, 4], refuses: [5, -1, 'ERROR'] },
  { name: 'TASK_QUEUE_ENABLE', launched: '2', allows: [0, 1, 2], refuses: [3, true] },
  { name: 'COMBINED_ENABLE', launched: '1', allows: [0, 1], refuses: [2] },
  {
    name: 'CPU_AFFINITY_CONF',
    launched: '1',
    allows: [
      0,
      1,
      2,
      '2,npu0:0-1',
      '1,npu0:0-1,npu1:2-5,npu3:6-6',
      'mode:2',
      '1,npu0:0-1,npu_affine:1',
      '1,npu_affine:0',
    ],
    refuses: [3, 'npu0:0-1', '2,npu0', '2,npu0:5-1', '2,npu16:0-1', '2,', '2 ,npu0:0-1', '1,npu_affine:2'],
  },
  { name: 'HCCL_CONNECT_TIMEOUT', launched: '1200', allows: [120, 1200, 7200], refuses: [119, 7201, '20m', 1200.5] },
  {
    name: 'PYTORCH_NPU_ALLOC_CONF',
    launched: 'expandable_segments:True',
    allows: [
      ...[
        'expandable_segments:True',
        'expandable_segments:False',
        'max_split_size_mb:32,garbage_collection_threshold:0.6',
      ],
      ...[
        'expandable_segments:True,base_addr_aligned_kb:16',
        'page_size:1g',
        'expandable_segments:True,segment_size_mb:128',
      ],
    ],
    refuses: [
      ...['expandable_segments:true', 'expandable_segments', 'expandable_segment:True', 'max_split_size_mb:20'],
      ...['garbage_collection_threshold:1.0', 'garbage_collection_threshold:0.0', 'base_addr_aligned_kb:17'],
      ...['expandable_segments:True,max_split_size_mb:32', 'expandable_segments:True:1', ''],
    ],
  },
  { name: 'HCCL_EXEC_TIMEOUT', launched: null, allows: [68, 1800, 17_340], refuses: [67, 17_341, -1] },
  {
    name: 'ACLNN_CACHE_LIMIT',
    launched: '100000',
    allows: [1, 10_000, 10_000_000],
    refuses: [0, 10_000_001, '10,000'],
  },
  { name: 'TOKENIZERS_PARALLELISM', launched: 'false', allows: [false, true, 'False', 'True'], refuses: ['0', 'no'] },
  { name: 'MULTI_STREAM_MEMORY_REUSE', launched: '1', allows: [0, 1], refuses: [2, 'on'] },
  { name: 'NPU_ASD_ENABLE', launched: '0', allows: [0, 1, 2, 3], refuses: [4] },
  { name: 'ASCEND_LAUNCH_BLOCKING', launched: '0', allows: [0], refuses: [2] },
  { name: 'NPUS_PER_NODE', launched: null, allows: [16], refuses: [] },
];

describe("the guide's table of environment variables", () => {
  it('has fourteen rows, each with its meaning', () => {
    expect(VARIABLES.map(({ name }) => name).toSorted()).toEqual(TABLE.map(({ name }) => name).toSorted());
    expect(VARIABLES.every(({ meaning }) => meaning.length > 20)).toBe(true);
    expect(VARIABLES).toHaveLength(14);
  });

  describe.each(TABLE)('$name', ({ name, launched, allows, refuses }) => {
    it('has the value of the example where the spec says nothing', () => {
      expect(VARIABLES.find((variable) => variable.name === name)?.value).toBe(launched);
    });

    it.each(allows.map((value) => [value]))('may be %j', (value) => {
      expect(lints(name, value)).toEqual([]);
      const text = JSON.stringify({ ...GUIDE_INPUT, train: { ...GUIDE_INPUT.train, env: { [name]: value } } });
      expect(readStoredSpec(text).problems).toEqual([]);
    });

    it.each(refuses.map((value) => [value]))('blocks %j until it is accepted by id', (value) => {
      expect(environmentLints(guideSpec({ train: { env: { [name]: value } } }))).toMatchObject([
        { id: 'env/out-of-range', severity: 'error', acceptable: true, path: ['train', 'env', name] },
      ]);
    });
  });

  it('takes HCCL_EXEC_TIMEOUT as far as a product and a version document it', () => {
    const judged = (npusPerHost: number, cann: string, env: Readonly<Record<string, Value>>): string[] =>
      environmentLints(guideSpec({ fleet: { hosts: 8, npusPerHost }, train: { env } }), cann).map(({ id }) => id);
    const long = { HCCL_EXEC_TIMEOUT: 20_000 };
    expect(judged(16, '8.3.RC1', long)).toEqual(['env/out-of-range']);
    expect(judged(16, '8.5.0', long)).toEqual([]);
    expect(judged(8, '9.0.0', long)).toEqual([]);
    expect(judged(4, '8.5.0', long)).toEqual(['env/out-of-range']);
    // Collectives that run on the vector cores have a limit of their own.
    expect(judged(16, '8.5.0', { HCCL_EXEC_TIMEOUT: 1_800, HCCL_OP_EXPANSION_MODE: 'AIV' })).toEqual([
      'env/out-of-range',
    ]);
    expect(judged(16, '8.5.0', { HCCL_EXEC_TIMEOUT: 1_091, HCCL_OP_EXPANSION_MODE: 'AIV' })).toEqual([]);
  });

  it.each([
    ['HCCL_EXEC_TIMEOUT', 0, 'env/never-timeout'],
    ['CUDA_DEVICE_MAX_CONNECTIONS', 1, 'env/one-connection'],
    ['TORCH_NPU_COMPACT_ERROR_OUTPUT', 1, 'env/compact-errors'],
    ['TORCH_NPU_COMPACT_ERROR_OUTPUT', 0, 'env/compact-errors'],
    ['NPUS_PER_NODE', 8, 'env/npus-per-node'],
    ['HF_HOME', '/shared', 'env/owned-variable'],
    ['ASCEND_PROCESS_LOG_PATH', '/shared', 'env/owned-variable'],
    ['ASCEND_RT_VISIBLE_DEVICES', '0,1,2,3', 'env/visible-devices'],
  ])('refuses %s = %j whatever is accepted (%s)', (name, value, id) => {
    const spec = guideSpec({ train: { env: { [name]: value } } });
    for (const cann of ['8.3.RC1', '8.5.0']) {
      expect(environmentLints(spec, cann)).toMatchObject([{ id, severity: 'error', acceptable: false }]);
    }
  });

  it('warns of ASCEND_LAUNCH_BLOCKING: 1, and lets 16 devices be named', () => {
    expect(lints('ASCEND_LAUNCH_BLOCKING', 1)).toEqual(['warning env/launch-blocking']);
    expect(lints('ASCEND_RT_VISIBLE_DEVICES', Array.from({ length: 16 }, (_, id) => id).join(','))).toEqual([]);
    expect(lints('CUDA_DEVICE_MAX_CONNECTIONS', 2)).toEqual([]);
  });

  it('warns of a variable that nobody reads, and says which one is meant', () => {
    expect(environmentLints(guideSpec({ train: { env: { HCCL_CONECT_TIMEOUT: 1200 } } }))).toMatchObject([
      { id: 'env/unknown-variable', severity: 'warning', fix: 'did you mean HCCL_CONNECT_TIMEOUT?' },
    ]);
    expect(environmentLints(guideSpec({ train: { env: { ZEBRA: 1 } } }))).toMatchObject([{ fix: 'check its name' }]);
    expect(lints('HCCL_IF_BASE_PORT', 60_000)).toEqual([]);
    // An error of every recipe, which a warning that can be accepted would contradict.
    expect(lints('MASTER_ADDR', '10.0.0.1')).toEqual([]);
  });

  function lints(name: string, value: Value): string[] {
    return environmentLints(guideSpec({ train: { env: { [name]: value } } })).map(
      ({ id, severity }) => `${severity} ${id}`,
    );
  }
});
