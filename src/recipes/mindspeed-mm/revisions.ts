/** What differs between commits of MindSpeed-MM, as data. Everything else is the same in all of them. */
export interface Revision {
  /** Full commit id. */
  readonly commit: string;
  /** Day of the commit. */
  readonly date: string;
  readonly name: string;
  /**
   * Where the way of averaging the loss is said: `modelFile` is `loss_cfg.loss_type`, `flag` an argument of the launch.
   * The two exclude each other: given both, the loss is scaled twice.
   */
  readonly lossIn: 'modelFile' | 'flag';
  /** `use_npu_fused_moe` in the model file of the example. */
  readonly exampleFusedMoe: boolean;
  /** Whether its model has the fused operators of the experts at all; where not, nothing reads `use_npu_fused_moe`. */
  readonly hasFusedMoe: boolean;
  /** Name of the model's folders in the paths of the example. */
  readonly exampleModelFolder: string;
  /** Hosts that the example's launch script is set to. */
  readonly exampleHosts: number;
  /** Program that turns LLaVA rows into MLLM rows, and whether it takes arguments or has its paths inside. */
  readonly llavaScript: { readonly path: string; readonly takesArguments: boolean };
  /** Version of transformers that its own installation brings, which the guide's commit must replace afterwards. */
  readonly ownTransformers: string;
  /** set_env.sh that its launch script sources. */
  readonly exampleSetEnv: string;
  /**
   * Whether freezing the text decoder freezes the output layer too. The guide's own day says so in its log, but looks
   * for the name below the part of the model that the output layer is not in.
   */
  readonly freezesOutputLayer: boolean;
}

const OLD_LLAVA = { path: 'examples/qwen2vl/llava_instruct_2_mllm_demo_format.py', takesArguments: false } as const;
const OLD_SET_ENV = '/usr/local/Ascend/ascend-toolkit/set_env.sh';

/** The last commit that corrected the function of the GLM-4.5V example: what is checked out unless the spec says other. */
export const PINNED: Revision = {
  commit: '840612c5c1a120d4c46d3c18d52397687df413db',
  date: '2026-01-12',
  name: 'pinned',
  lossIn: 'modelFile',
  exampleFusedMoe: true,
  hasFusedMoe: true,
  exampleModelFolder: 'GLM-4.5V',
  exampleHosts: 8,
  llavaScript: OLD_LLAVA,
  ownTransformers: '4.57.0',
  exampleSetEnv: OLD_SET_ENV,
  freezesOutputLayer: true,
};

/** The commit of the day that the guide was written for. */
export const GUIDE_ERA: Revision = {
  commit: '5ab74768ada91c79f8474172a5c4a8c5b0b1af2f',
  date: '2025-11-29',
  name: 'guide-era',
  lossIn: 'flag',
  exampleFusedMoe: false,
  hasFusedMoe: false,
  exampleModelFolder: 'GLM4.5V',
  exampleHosts: 1,
  llavaScript: OLD_LLAVA,
  ownTransformers: '4.53.0',
  exampleSetEnv: OLD_SET_ENV,
  freezesOutputLayer: false,
};

/** Four days after the guide, with its way of averaging the loss: the first whose model has the fused operators. */
const GUIDE_FUSED: Revision = {
  ...GUIDE_ERA,
  commit: 'a23f1fe6d93af731c7fc6e734413d65e540b8d0b',
  date: '2025-12-03',
  name: 'guide-fused',
  exampleFusedMoe: true,
  hasFusedMoe: true,
  exampleModelFolder: 'GLM-4.5V',
};

/** The newest commit that was looked at: script and toolkit moved, the training of this model stayed. */
export const LATER: Revision = {
  ...PINNED,
  commit: '57069cd55a8ab16d5affe379a2e2c5f0a4d962b9',
  date: '2026-08-08',
  name: 'later',
  llavaScript: {
    path: 'mindspeed_mm/fsdp/tools/data_tool/llava_instruct_2_mllm_demo_format.py',
    takesArguments: true,
  },
  exampleSetEnv: '/usr/local/Ascend/cann/set_env.sh',
};

/** Commits that are known, the default first. */
export const REVISIONS: readonly Revision[] = [PINNED, GUIDE_ERA, GUIDE_FUSED, LATER];

/** The known revision that a ref names, by its full id or at least seven of its first digits, in any case; null for any other. */
export function knownRevision(ref: string): Revision | null {
  return REVISIONS.find(({ commit }) => ref.length >= 7 && commit.startsWith(ref.toLowerCase())) ?? null;
}

/** The revision that a ref is treated as: one that is not known is taken for the default, under its own name. */
export function revisionOf(ref: string | undefined): Revision {
  if (ref === undefined) return PINNED;
  return knownRevision(ref) ?? { ...PINNED, commit: ref, name: 'unknown' };
}
