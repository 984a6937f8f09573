import type { PipelineSpec } from '../../schemas/spec.js';

/** Folder of driver, firmware and CANN unless the spec names another. */
export const TOOLKIT_ROOT = '/usr/local/Ascend';

/** set_env.sh of the toolkit: the new place first, then the one of CANN before 8.5. */
const SET_ENV = ['cann/set_env.sh', 'ascend-toolkit/set_env.sh'] as const;
/** set_env.sh of NNAL, which upstream sources after that of the toolkit. */
const NNAL_SET_ENV = ['nnal/atb/set_env.sh'] as const;

/** Places where set_env.sh may lie on a host, the first that exists counts. */
export function setEnvPlaces({ environment }: Pick<PipelineSpec, 'environment'>): {
  readonly toolkit: readonly string[];
  readonly nnal: readonly string[];
} {
  const root = environment.toolkitRoot ?? TOOLKIT_ROOT;
  return {
    toolkit: environment.cannEnv === undefined ? SET_ENV.map((path) => `${root}/${path}`) : [environment.cannEnv],
    nnal: NNAL_SET_ENV.map((path) => `${root}/${path}`),
  };
}

/**
 * Sources the first toolkit script that exists and the first of NNAL, then becomes the command. A constant text: all
 * paths and words are arguments, none is ever read as shell code. What the scripts print must not mix with answers.
 */
const SOURCING = `
source_first() {
  local needed="$1"; shift
  local one
  for one in "$@"; do
    if [ -f "$one" ]; then
      set --
      source "$one" 1>&2
      return 0
    fi
  done
  if [ "$needed" = needed ]; then
    echo "error: none of these files exists: $*" 1>&2
    exit 127
  fi
}
toolkit=(); nnal=()
while [ "$1" != -- ]; do toolkit+=("$1"); shift; done; shift
while [ "$1" != -- ]; do nnal+=("$1"); shift; done; shift
command_words=("$@")
source_first needed "\${toolkit[@]}"
source_first optional "\${nnal[@]}"
exec "\${command_words[@]}"
`;

/** The words of a command that runs in the environment of CANN: set_env.sh counts for the process that sources it only. */
export function withToolkit(spec: Pick<PipelineSpec, 'environment'>, argv: readonly string[]): readonly string[] {
  const { toolkit, nnal } = setEnvPlaces(spec);
  return ['bash', '-c', SOURCING, 'temper-toolkit', ...toolkit, '--', ...nnal, '--', ...argv];
}
