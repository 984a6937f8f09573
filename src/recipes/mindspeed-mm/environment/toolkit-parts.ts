import { dirname } from 'node:path';
import type { PipelineSpec } from '../../../schemas/spec.js';
import { TOOLKIT_ROOT } from '../toolkit-command.js';
import { REFERENCE_CANN } from '../training/lint-environment.js';

/** A part of the accelerator's software that is verified and never installed. */
export interface ToolkitPart {
  readonly name: ToolkitPartName;
  readonly title: string;
  /** Oldest version that the guide's set was tried with (CANN 8.3.RC1); null: any that is there. */
  readonly wanted: string | null;
  /** Files that tell its version, relative to the toolkit's root, newest layout first; `*` is any architecture. */
  readonly files: readonly string[];
  /** Folders that show that it is there where no file tells the version. */
  readonly folders?: readonly string[];
}
/** A part of the vendor's toolkit with a version of its own. */
export type ToolkitPartName = 'driver' | 'firmware' | 'toolkit' | 'kernels' | 'nnal';

const ARCHITECTURES = ['aarch64-linux', 'x86_64-linux'] as const;
const perArchitecture = (before: string, after: string): string[] =>
  ARCHITECTURES.map((architecture) => `${before}${architecture}${after}`);
/** Operators are compiled per chip: those of Atlas A3 and A2. */
const CHIPS = ['ascend910_93', 'ascend910b'] as const;
const KERNEL_FOLDER = 'opp/built-in/op_impl/ai_core/tbe/kernel';

/**
 * Where the versions stand: MindSpeed-MM's troubleshooting page (cann/version.info), the install records of older
 * toolkits, and the folders that the packages unpack to.
 */
export const TOOLKIT_PARTS: readonly ToolkitPart[] = [
  { name: 'driver', title: 'driver', wanted: null, files: ['driver/version.info'] },
  { name: 'firmware', title: 'firmware', wanted: null, files: ['firmware/version.info'] },
  {
    name: 'toolkit',
    title: 'CANN toolkit',
    wanted: REFERENCE_CANN,
    files: [
      'cann/version.info',
      ...perArchitecture('cann/', '/ascend_toolkit_install.info'),
      ...perArchitecture('ascend-toolkit/latest/', '/ascend_toolkit_install.info'),
      'ascend-toolkit/latest/version.info',
    ],
  },
  {
    name: 'kernels',
    title: 'CANN kernels',
    wanted: REFERENCE_CANN,
    files: ['cann/opp_kernel/version.info', 'ascend-toolkit/latest/opp_kernel/version.info'],
    folders: ['cann', 'ascend-toolkit/latest'].flatMap((base) =>
      CHIPS.map((chip) => `${base}/${KERNEL_FOLDER}/${chip}`),
    ),
  },
  {
    name: 'nnal',
    title: 'NNAL',
    wanted: REFERENCE_CANN,
    files: ['nnal/atb/latest/version.info', 'nnal/version.info'],
    folders: ['nnal/atb/set_env.sh'],
  },
];

/** All files and folders that may tell about a part, absolute, in the order in which they count. */
export function versionFiles({
  environment,
}: Pick<PipelineSpec, 'environment'>): { readonly part: ToolkitPartName; readonly path: string }[] {
  const root = environment.toolkitRoot ?? TOOLKIT_ROOT;
  const own = environment.cannEnv === undefined ? null : toolkitFolder(environment.cannEnv);
  return TOOLKIT_PARTS.flatMap(({ name, files, folders = [] }) => {
    const paths = [...files, ...folders];
    const beside = paths.flatMap((path) => {
      const inner = IN_TOOLKIT.exec(path)?.[1];
      return own === null || inner === undefined ? [] : [`${own}/${inner}`, `${own}/latest/${inner}`];
    });
    const all = new Set([...beside, ...paths.map((path) => `${root}/${path}`)]);
    return [...all].map((path) => ({ part: name, path }));
  });
}

/** What lies in the folder of a toolkit, in the new layout and in the old one. */
const IN_TOOLKIT = /^(?:cann|ascend-toolkit\/latest)\/(.*)$/;

/** Folder of the toolkit that a script sets up: `set_env.sh` lies in it, the older `setenv.bash` in its `bin`. */
export function toolkitFolder(setEnv: string): string {
  return dirname(setEnv).replace(/\/bin$/, '');
}

/**
 * The version in a file of the vendor: `Version=25.3.rc1`, `version=8.3.RC1`, `Ascend-cann-atb : 8.3.RC1`. The name of
 * the release stands in `version_dir` or beside the package's name where `Version` counts builds. Null when there is none.
 */
export function parseVersion(text: string): string | null {
  const release = /^\s*version_dir\s*[=:]\s*(\S+)/im.exec(text)?.[1];
  const plain = /^\s*(?:[\w-]+[ \t]+)?version\s*[=:]\s*\[?([\w.+-]*\d[\w.+-]*)/im.exec(text)?.[1];
  const short = /^\s*[\w-]*(?:atb|nnal|cann)[\w-]*\s*[=:]\s*(\d[\w.+-]*)/im.exec(text)?.[1];
  return release ?? short ?? plain ?? null;
}
