/**
 * Names of variables that tell how a host reaches repositories and hubs, passwords of proxies included, whatever their
 * case: ranks talk to each other only and never get them. Bash reads the same pattern.
 */
export const NETWORK_VARIABLES =
  '^((https?|no|all)_proxy|TEMPER_(HTTPS?_PROXY|NO_PROXY|CA_FILE|URL_MIRRORS|PIP_INDEX|PIP_FIND_LINKS)|(TEMPER_)?(HF|MODELSCOPE)_ENDPOINT)$';

/**
 * Names of variables that no command gets: connection settings of the worker's own server, certificates included, and
 * what was made for the worker's own Node (debugger, loaders, test hooks). Bash reads the same pattern.
 */
export const WORKER_VARIABLES = '^TEMPORAL_|^NODE_(OPTIONS|CHANNEL_FD|V8_COVERAGE|UNIQUE_ID)$';
