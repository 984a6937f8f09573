import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { networkEnvironment } from '../../../../src/host/network-files.js';
import type { NetworkConfig } from '../../../../src/config.js';
import { environment } from '../../../../src/recipes/mindspeed-mm/environment/environment.js';
import { environmentPlace } from '../../../../src/recipes/mindspeed-mm/layout.js';
import type { Command, EnvironmentReading, HostTools } from '../../../../src/recipes/recipe.js';
import type { PipelineSpec } from '../../../../src/schemas/spec.js';
import { guideSpec } from '../training/support.js';

const MAKER = fileURLToPath(new URL('../../../support/ascend/make_site.py', import.meta.url));
export const PROGRAMS = fileURLToPath(new URL('../../../../src/recipes/mindspeed-mm/programs', import.meta.url));
/** Python of this machine: newer than the guide's, which is told as a warning. */
export const BASE_PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/** Names of the repositories as the maker prints them, with the ids of their two commits. */
export interface Site {
  readonly root: string;
  readonly commits: Readonly<Record<string, readonly [string, string]>>;
  readonly scratch: string;
  readonly network: NetworkConfig;
  /** A spec whose environment comes from this site alone. */
  spec(over?: Readonly<Record<string, unknown>>): PipelineSpec;
  tools(spec: PipelineSpec): HostTools;
  probe(spec: PipelineSpec): EnvironmentReading;
  /** Runs commands as the host would, and answers what went wrong, or null. */
  run(commands: readonly Command[]): Promise<string | null>;
  remove(): void;
}

/** Makes bare repositories, wheels, and a fake toolkit in a new folder. */
export function makeSite(): Site {
  const root = mkdtempSync(join(tmpdir(), 'temper-ascend-'));
  const told = execFileSync('python3', [MAKER, root], { encoding: 'utf8' });
  const commits = Object.fromEntries(
    told
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', first = '', second = '']) => [name, [first, second] as const]),
  );
  // Hosts often have scratch behind a link, and Python tells places without it.
  const scratch = join(root, 'scratch');
  mkdirSync(join(root, 'disk'));
  symlinkSync(join(root, 'disk'), scratch);
  const network = networkOf(root);
  const source = (name: string, ref?: string): object => ({
    url: join(root, 'repositories', `${name}.git`),
    ref: ref ?? commits[name]?.[0] ?? '',
  });
  const spec = (over: Readonly<Record<string, unknown>> = {}): PipelineSpec =>
    guideSpec({
      workspace: join(root, 'workspace'),
      environment: {
        offline: true,
        basePython: BASE_PYTHON,
        toolkitRoot: join(root, 'Ascend'),
        sources: {
          mindspeedMm: source('MindSpeed-MM'),
          megatronLm: source('Megatron-LM', 'core_v0.12.1'),
          mindspeed: source('MindSpeed'),
          transformers: source('transformers'),
        },
        ...over,
      },
    });
  const tools = (wanted: PipelineSpec): HostTools => {
    const place = environmentPlace(wanted, scratch);
    return {
      python: wanted.environment.python ?? place.python,
      node: process.execPath,
      temper: '/temper.js',
      programs: PROGRAMS,
      cpus: 2,
      environment: place.root,
    };
  };
  return {
    root,
    commits,
    scratch,
    network,
    spec,
    tools,
    probe: (wanted) => {
      const { argv, cwd } = environment.probe(tools(wanted), wanted);
      const [program = '', ...words] = argv;
      const line: unknown = JSON.parse(execFileSync(program, words, { cwd, encoding: 'utf8' }));
      return environment.read(line, wanted, tools(wanted));
    },
    async run(commands) {
      const reach = await networkEnvironment(scratch, network, true);
      for (const { step, argv, cwd, env, isRemote } of commands) {
        const [program = '', ...words] = argv;
        const done = spawnSync(program, words, {
          cwd,
          encoding: 'utf8',
          // Constraints of this machine are about real packages.
          env: { ...process.env, PIP_CONSTRAINT: '', ...(isRemote === true ? reach : {}), ...env },
        });
        if (done.status !== 0) return `${step}: ${done.stderr}${done.stdout}${done.error?.message ?? ''}`;
      }
      return null;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A host without any way out but a folder of wheels. */
export function networkOf(root: string): NetworkConfig {
  return {
    httpProxy: undefined,
    httpsProxy: undefined,
    noProxy: undefined,
    caFile: undefined,
    hfEndpoint: 'https://huggingface.co',
    modelscopeEndpoint: 'https://www.modelscope.cn',
    urlMirrors: [],
    pipIndex: undefined,
    pipFindLinks: join(root, 'wheels'),
    isOffline: true,
    hfToken: undefined,
    modelscopeToken: undefined,
  };
}
