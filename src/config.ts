import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The only place that reads the environment; everything else gets values. */
export interface Config {
  /** Level of the logs: trace, debug, info, warn or error (TEMPER_LOG_LEVEL). */
  readonly logLevel: string;
  /** Root of this installation: the folder that holds `dist`. */
  readonly root: string;
  /** File of the authorities that this machine trusts, where it is at no usual place (SSL_CERT_FILE). */
  readonly caBundle: string | undefined;
  /** Python of the training environment (TEMPER_PYTHON), else the one that set-up made. */
  readonly python: string;
  /** Folder of `temper dev`'s state (TEMPER_HOME), else `.temper` in the installation. */
  readonly home: string;
}

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Reads the configuration from an environment. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const home = resolve(env['TEMPER_HOME'] ?? `${ROOT}/.temper`);
  return {
    logLevel: env['TEMPER_LOG_LEVEL'] ?? 'info',
    root: ROOT,
    home,
    caBundle: env['SSL_CERT_FILE'],
    python: env['TEMPER_PYTHON'] ?? `${home}/venv/bin/python`,
  };
}

/** The process environment, for handing chosen variables to commands. */
export function processEnv(): Readonly<NodeJS.ProcessEnv> {
  return process.env;
}

/** How a host reaches what it downloads; for downloads, git and pip, never for ranks. The TEMPER_ name wins. */
export interface NetworkConfig {
  /** Proxy for http:// addresses (TEMPER_HTTP_PROXY, else http_proxy or HTTP_PROXY). */
  readonly httpProxy: string | undefined;
  /** Proxy for https:// addresses (TEMPER_HTTPS_PROXY, else https_proxy or HTTPS_PROXY). */
  readonly httpsProxy: string | undefined;
  /** Hosts that are reached without proxy, separated by commas (TEMPER_NO_PROXY, else no_proxy or NO_PROXY). */
  readonly noProxy: string | undefined;
  /** PEM file with authorities that are trusted beside the usual ones (TEMPER_CA_FILE). */
  readonly caFile: string | undefined;
  /** Hugging Face or a mirror of it (TEMPER_HF_ENDPOINT, else HF_ENDPOINT). */
  readonly hfEndpoint: string;
  /** ModelScope or a mirror of it (TEMPER_MODELSCOPE_ENDPOINT, else MODELSCOPE_ENDPOINT). */
  readonly modelscopeEndpoint: string;
  /** Beginnings of plain addresses and what to ask instead, FROM=TO,FROM=TO (TEMPER_URL_MIRRORS). */
  readonly urlMirrors: readonly (readonly [from: string, to: string])[];
  /** Package index that pip asks instead of PyPI (TEMPER_PIP_INDEX). */
  readonly pipIndex: string | undefined;
  /** Folder or page with packages that pip looks into as well (TEMPER_PIP_FIND_LINKS). */
  readonly pipFindLinks: string | undefined;
  /** Nothing may be fetched on this host (TEMPER_OFFLINE=1). */
  readonly isOffline: boolean;
  /** Token for Hugging Face (HF_TOKEN). */
  readonly hfToken: string | undefined;
  /** Token for ModelScope (MODELSCOPE_API_TOKEN). */
  readonly modelscopeToken: string | undefined;
}

/** Reads how to reach the outside. */
export function readNetwork(env: Readonly<Record<string, string | undefined>> = process.env): NetworkConfig {
  const first = (...names: string[]): string | undefined =>
    names.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '');
  const endpoint = (text: string): string =>
    (/^https?:\/\//i.test(text) ? text : `https://${text}`).replace(/\/+$/, '');
  return {
    httpProxy: first('TEMPER_HTTP_PROXY', 'http_proxy', 'HTTP_PROXY'),
    httpsProxy: first('TEMPER_HTTPS_PROXY', 'https_proxy', 'HTTPS_PROXY'),
    noProxy: first('TEMPER_NO_PROXY', 'no_proxy', 'NO_PROXY'),
    caFile: first('TEMPER_CA_FILE'),
    hfEndpoint: endpoint(first('TEMPER_HF_ENDPOINT', 'HF_ENDPOINT') ?? 'https://huggingface.co'),
    modelscopeEndpoint: endpoint(
      first('TEMPER_MODELSCOPE_ENDPOINT', 'MODELSCOPE_ENDPOINT') ?? 'https://www.modelscope.cn',
    ),
    urlMirrors: (first('TEMPER_URL_MIRRORS') ?? '').split(',').flatMap((pair) => {
      const [from = '', to = ''] = pair.trim().split('=');
      return from === '' || to === '' ? [] : [[from, to] as const];
    }),
    pipIndex: first('TEMPER_PIP_INDEX'),
    pipFindLinks: first('TEMPER_PIP_FIND_LINKS'),
    isOffline: /^(1|true|yes|on)$/i.test(first('TEMPER_OFFLINE') ?? ''),
    hfToken: first('HF_TOKEN'),
    modelscopeToken: first('MODELSCOPE_API_TOKEN'),
  };
}
