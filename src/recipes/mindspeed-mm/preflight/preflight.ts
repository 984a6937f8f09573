import type { PipelineSpec } from '../../../schemas/spec.js';
import type {
  HostSight,
  PreflightFacts,
  PreflightRecipe,
  ProbeOutput,
  RankLimits,
  RecipeReading,
} from '../../preflight.js';
import { imagePixels, loaderWorkers } from '../training/data-file.js';
import { readAnswer } from './answers.js';
import { codesIn } from './health-codes.js';
import { compareHosts, type HostFact } from './compare.js';
import { productIn, wantedDevices } from './devices.js';
import { judgeTable } from './judge-devices.js';
import { judgeOptics } from './judge-optics.js';
import { judgeInterface, judgeLinks, judgeTls, linksIn, tlsIn } from './judge-network.js';
import { firmwareIn, judgeSuperPod, judgeVersions, superPodIn } from './judge-versions.js';
import { followUps, PROBES, probes } from './probes.js';

/** What GLM-4.5V needs of a host: its devices, the network between them, and what their driver says. Changes nothing. */
export const preflight: PreflightRecipe = { ports, limits, probes, followUps, judge, compare: compareHosts };

function judge(outputs: ReadonlyMap<string, ProbeOutput>, facts: PreflightFacts, sight: HostSight): RecipeReading {
  const { spec, host, depth } = facts;
  const answer = (id: string) => readAnswer(outputs.get(id));
  const [table, devices] = judgeTable(answer(PROBES.table), {
    ...facts,
    sight,
    codes: (chip) => codesIn(answer(PROBES.health(chip))),
  });
  if (depth === 'quick') return { checks: devices, facts: {} };
  const wanted = wantedDevices(spec);
  const links = wanted.map((device) => [device, answer(PROBES.link(device))] as const);
  const tls = wanted.map((device) => [device, answer(PROBES.tls(device))] as const);
  const optics = judgeOptics(
    wanted.map((device) => [device, answer(PROBES.optics(device))] as const),
    host,
  );
  const product = table === null ? 'unknown' : productIn(table);
  const driver = table?.driver ?? null;
  const firmware = firmwareIn(answer(PROBES.board));
  const place = superPodIn(answer(PROBES.superPod));
  return {
    checks: [
      ...devices,
      judgeVersions(driver, firmware, host),
      judgeInterface(spec, sight, host),
      judgeLinks(links, product, host),
      ...(optics === null ? [] : [optics]),
      judgeTls(tls, host),
      judgeSuperPod(answer(PROBES.superPod), place, host),
    ],
    facts: known({
      product: table === null ? null : product,
      devices: table === null ? null : String(table.chips.length),
      driver,
      firmware,
      tls: same(tlsIn(tls)),
      links: same(linksIn(links)),
      superPod: place?.superPod ?? null,
      serverIndex: place?.serverIndex ?? null,
      sdid: place?.sdid ?? null,
    }),
  };
}

function known(facts: Readonly<Record<HostFact, string | null>>): Partial<Record<HostFact, string>> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [HostFact, string] => entry[1] !== null));
}

/** The state of all devices; `mixed` where they differ, null when none told it. */
function same(states: ReadonlyMap<number, string>): string | null {
  const different = new Set(states.values());
  const [only = null] = different;
  return different.size > 1 ? 'mixed' : only;
}

/** Where HCCL listens on the host, one port for each device; another job, or an outgoing connection, may have one. */
const HCCL_PORT = 60_000;

function ports({ train, fleet }: PipelineSpec): readonly number[] {
  const first = Number(train.env['HCCL_IF_BASE_PORT'] ?? HCCL_PORT);
  if (!Number.isInteger(first) || first < 1 || first + fleet.npusPerHost > 65_536) return [];
  return Array.from({ length: fleet.npusPerHost }, (_, index) => first + index);
}

/** A rank has a connection to each other one and the files of its loaders. */
const OPEN_FILES = 4_096;
/** Threads of torch, the device runtime and the collectives of one rank, and those of one loader: estimates. */
const RANK_THREADS = 256;
const LOADER_THREADS = 16;
/** Batches that torch keeps ready for each loader unless told otherwise. */
const PREFETCHED = 2;
/** An image is handed over as three colours of four bytes. */
const BYTES_PER_PIXEL = 12;

function limits(spec: PipelineSpec): RankLimits {
  const ranks = spec.fleet.npusPerHost;
  const workers = loaderWorkers(spec);
  const imageBytes = imagePixels(spec).most * BYTES_PER_PIXEL;
  return {
    openFiles: OPEN_FILES,
    tasks: ranks * (RANK_THREADS + workers * LOADER_THREADS),
    sharedMemoryBytes: ranks * workers * PREFETCHED * spec.train.microBatchSize * imageBytes,
  };
}
