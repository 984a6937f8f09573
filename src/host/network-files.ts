import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import writeFileAtomic from 'write-file-atomic';
import type { NetworkConfig } from '../config.js';

/**
 * Variables that give git and pip the mirrors, proxies and certificates of this host. The settings lie in files that only
 * their owner reads, because addresses of proxies may hold passwords and the environment of a command is written down.
 */
export async function networkEnvironment(
  scratch: string,
  network: NetworkConfig | undefined,
  isOffline: boolean,
): Promise<Record<string, string>> {
  const isCutOff = isOffline || network?.isOffline === true;
  const dir = join(scratch, 'network');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const caBundle = await writeCertificates(dir, network?.caFile);
  const files = { git: join(dir, 'gitconfig'), pip: join(dir, 'pip.conf') };
  await writePrivate(files.git, gitConfig(network, caBundle));
  await writePrivate(files.pip, pipConfig(network, caBundle, isCutOff));
  return {
    GIT_CONFIG_GLOBAL: files.git,
    PIP_CONFIG_FILE: files.pip,
    // Variables count more than files, so those that the host has by chance are emptied where its settings say other.
    ...(network?.pipIndex === undefined ? {} : { PIP_INDEX_URL: '', PIP_EXTRA_INDEX_URL: '' }),
    ...(network?.pipFindLinks === undefined && !isCutOff ? {} : { PIP_FIND_LINKS: '' }),
    ...(caBundle === undefined ? {} : { PIP_CERT: '' }),
    ...(network?.noProxy === undefined ? {} : { NO_PROXY: network.noProxy, no_proxy: network.noProxy }),
    ...(isCutOff ? { GIT_ALLOW_PROTOCOL: 'file', PIP_NO_INDEX: '1' } : {}),
  };
}

/** Both programs take one bundle instead of the usual authorities, so the usual ones are put beside the host's own. */
async function writeCertificates(dir: string, caFile: string | undefined): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  const bundle = join(dir, 'authorities.pem');
  const own = await readFile(caFile, 'utf8');
  await writePrivate(bundle, `${rootCertificates.join('\n')}\n${own.trimEnd()}\n`);
  return bundle;
}

function gitConfig(network: NetworkConfig | undefined, caBundle: string | undefined): string {
  const proxy = network?.httpsProxy ?? network?.httpProxy;
  const lines = [
    // This file stands in for the user's own, which may say how to log in.
    '[include]',
    '\tpath = ~/.gitconfig',
    ...(proxy === undefined && caBundle === undefined ? [] : ['[http]']),
    ...(proxy === undefined ? [] : [`\tproxy = ${quoted(proxy)}`]),
    // The proxy may be of the same authority; git looks at another setting for it.
    ...(caBundle === undefined ? [] : [`\tsslCAInfo = ${quoted(caBundle)}`, `\tproxySSLCAInfo = ${quoted(caBundle)}`]),
    ...(network?.urlMirrors ?? []).flatMap(([from, to]) => [`[url ${quoted(to)}]`, `\tinsteadOf = ${quoted(from)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function pipConfig(network: NetworkConfig | undefined, caBundle: string | undefined, isCutOff: boolean): string {
  const proxy = network?.httpsProxy ?? network?.httpProxy;
  const settings = {
    // A proxy that pip is told of is asked for every address, whatever NO_PROXY says.
    proxy: isDirect(network?.pipIndex, network?.noProxy) ? undefined : proxy,
    cert: caBundle,
    'index-url': network?.pipIndex,
    // Named even when empty: else links of the host's own files would count, and no-index lets pip follow them.
    'find-links': isCutOff ? localLinks(network?.pipFindLinks) : network?.pipFindLinks,
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    // A percent sign begins an interpolation there.
    value === undefined ? [] : [`${name} = ${value.replaceAll('%', '%%')}`],
  );
  // Settings of a command count more than those of all; an empty one counts as none.
  return `[global]\n${lines.join('\n')}\n${isCutOff ? '[install]\nfind-links =\n' : ''}`;
}

/** The links that lie on this host: paths and file addresses. */
function localLinks(links = ''): string {
  return links
    .split(/\s+/)
    .filter((link) => !/^[a-z][a-z\d+.-]*:/i.test(link) || /^file:/i.test(link))
    .join(' ');
}

/** Whether the hosts that need no proxy include that of an address; ports count where they are named. */
function isDirect(address: string | undefined, noProxy: string | undefined): boolean {
  if (address === undefined || noProxy === undefined || !URL.canParse(address)) return false;
  const { hostname, host } = new URL(address);
  const names = noProxy.split(/[\s,]+/).map((name) => name.replace(/^\*?\./, '').toLowerCase());
  return names.some(
    (name) => name !== '' && (name === '*' || name === host || name === hostname || hostname.endsWith(`.${name}`)),
  );
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

async function writePrivate(path: string, content: string): Promise<void> {
  await writeFileAtomic(path, content, { mode: 0o600 });
}
