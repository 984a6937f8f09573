import { restarted, stopped, UNTOUCHED, type FaultRow } from './support/row.js';

/** Long enough that a server or a way may be away for longer than all timers of the suite, and come back meanwhile. */
const LONG = { stepMs: 200 } as const;

/** Processes that die, stop or crawl. */
const PROCESSES: readonly FaultRow[] = [
  { name: 'rank-killed', isQuick: true, strike: { name: 'killRank', at: 'step' }, expected: restarted('rank-killed') },
  { name: 'all-ranks-killed', strike: { name: 'killAllRanks', at: 'step' }, expected: restarted('rank-killed') },
  {
    name: 'rank-killed-at-start',
    strike: { name: 'killRank', at: 'start' },
    env: { SIM_START_MS: 1_500 },
    expected: restarted('rank-killed'),
  },
  {
    name: 'launcher-killed',
    isQuick: true,
    strike: { name: 'killLauncher', at: 'step' },
    expected: restarted('rank-killed'),
  },
  {
    name: 'keeper-killed',
    isQuick: true,
    strike: { name: 'killKeeper', at: 'step' },
    expected: restarted('keeper-lost', 'clean-restart'),
  },
  {
    name: 'rank-stopped',
    isQuick: true,
    strike: { name: 'stopRank', at: 'step' },
    expected: { ...restarted('stalled'), slow: /stopped or waiting for a disk/ },
  },
  { name: 'rank-hangs', inner: [{ kind: 'hang' }], expected: restarted('stalled') },
  {
    name: 'rank-slow',
    inner: [{ kind: 'slow', ms: 200, steps: 20 }],
    expected: { ...UNTOUCHED, slow: /working|waiting for a processor/ },
  },
  {
    name: 'rank-crashed',
    inner: [{ kind: 'signal', signal: 'SIGSEGV' }],
    expected: restarted('rank-crashed'),
  },
  {
    // The keeper is killed and its ranks do not follow a TERM: what is left of the attempt is ended before the next.
    name: 'leftover-ranks',
    inner: [{ kind: 'ignore-term', rank: 'all', isLasting: true }],
    strike: { name: 'killKeeper', at: 'step' },
    expected: restarted('keeper-lost', 'clean-restart'),
  },
];

/** Workers and servers: none of them ends a training. */
const CONTROL: readonly FaultRow[] = [
  { name: 'worker-killed', isQuick: true, strike: { name: 'killWorker', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'worker-ended', strike: { name: 'endWorker', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'workers-redeployed', strike: { name: 'redeploy', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'control-killed', strike: { name: 'killControl', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'server-killed', isQuick: true, strike: { name: 'killServer', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'server-away', strike: { name: 'serverAway', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'activity-paused', strike: { name: 'pauseActivity', at: 'early' }, ...LONG, expected: UNTOUCHED },
  { name: 'activity-reset', strike: { name: 'resetActivity', at: 'early' }, ...LONG, expected: UNTOUCHED },
  {
    // Its ranks train on while nobody knows them: Temper has no metrics of that time.
    name: 'database-wiped',
    strike: { name: 'wipeDatabase', at: 'early' },
    ...LONG,
    stepMs: 400,
    expected: { end: 'done', incidents: [], attempts: 2, areMetricsLost: true },
  },
  {
    name: 'split-from-server',
    strike: { name: 'cutServer', at: 'early' },
    // Trains on until after the host would have been lost.
    stepMs: 350,
    expected: UNTOUCHED,
  },
];

/** Hosts and the ways to them. */
const HOSTS: readonly FaultRow[] = [
  {
    name: 'host-lost-with-spare',
    isQuick: true,
    hasSpare: true,
    strike: { name: 'losePower', at: 'step' },
    expected: { ...restarted('host-lost', 'replace-host'), areMetricsLost: true },
  },
  {
    name: 'host-lost-without-spare',
    strike: { name: 'losePowerUntilMissed', at: 'step' },
    expected: { ...restarted('host-lost', 'replace-host'), areMetricsLost: true },
  },
  {
    name: 'split-from-server-and-workspace',
    hasSpare: true,
    needs: 'own-workspace',
    strike: { name: 'cutServerAndWorkspace', at: 'early' },
    // So slow that no save comes before the fence: a rank that cannot write ends by itself.
    stepMs: 1_000,
    expected: { ...restarted('host-lost', 'replace-host'), areMetricsLost: true },
  },
  {
    name: 'workspace-hangs',
    strike: { name: 'hangWorkspace', at: 'early' },
    ...LONG,
    expected: restarted('workspace-lost'),
  },
  {
    name: 'unkillable-process',
    hasSpare: true,
    needs: 'hung-file-system',
    strike: { name: 'haveUnkillable', at: 'step' },
    expected: restarted(['unkillable', 'rank-killed'], 'replace-host'),
  },
];

/** Checkpoints that are torn, damaged, or not written. */
const CHECKPOINTS: readonly FaultRow[] = [
  {
    name: 'killed-in-save-outside',
    env: { SIM_SAVE_MS: 800 },
    strike: { name: 'killInSave', at: 'early' },
    expected: restarted('rank-killed'),
  },
  ...(['half-shard', 'after-shard', 'before-tracker'] as const).map((at): FaultRow => ({
    name: `killed-in-save-${at}`,
    isQuick: at === 'half-shard',
    inner: [{ kind: 'die-in-save', at, ...(at === 'before-tracker' ? { rank: 0 } : {}) }],
    expected: restarted('rank-killed'),
  })),
  { name: 'hang-in-save', inner: [{ kind: 'hang-in-save' }], expected: restarted('stalled') },
  {
    name: 'shard-truncated',
    isQuick: true,
    strike: { name: 'truncateShard', at: 'step' },
    expected: { ...restarted('rank-killed'), refused: /shard-truncated|bytes/ },
  },
  {
    name: 'shard-missing',
    strike: { name: 'removeShard', at: 'step' },
    expected: { ...restarted('rank-killed'), refused: /missing|not there/ },
  },
  {
    name: 'shard-swapped',
    strike: { name: 'swapShards', at: 'step' },
    expected: { ...restarted('rank-killed'), refused: /changed|mixed|size|bytes|damaged/ },
  },
  { name: 'tracker-empty', strike: { name: 'emptyTracker', at: 'step' }, expected: restarted('rank-killed') },
  {
    name: 'disk-full-in-save',
    inner: [{ kind: 'disk-full', isLasting: true }],
    expected: stopped('disk-full', /No space left on device/),
  },
  {
    // The last checkpoint is complete when all is lost: nothing is left to be launched.
    name: 'relaunch-at-the-last-iteration',
    inner: [{ kind: 'die-in-save', at: 'before-tracker', rank: 0, iteration: 120 }],
    expected: { ...restarted('rank-killed'), launches: 1 },
  },
];

/** What a restart cures once, and what it does not cure. */
const CAUSES: readonly FaultRow[] = [
  { name: 'nan-loss', inner: [{ kind: 'nan' }], expected: restarted('nan-loss') },
  {
    name: 'data-error',
    isQuick: true,
    inner: [{ kind: 'data-error', isLasting: true }],
    expected: stopped('data-error', /messages/),
  },
  {
    name: 'master-port-taken',
    inner: [{ kind: 'port-taken' }],
    expected: restarted('port-taken', 'clean-restart'),
  },
  {
    name: 'crash-loop',
    inner: [{ kind: 'exit', code: 7, rank: 1, iteration: 33, isLasting: true }],
    expected: {
      end: 'blocked',
      attempts: 4,
      incidents: [
        ['rank-exit', 'restart'],
        ['rank-exit', 'restart'],
        ['rank-exit', 'replace-host'],
        ['rank-exit', 'stop'],
      ],
      says: /3 restarts brought no newer proven checkpoint/,
    },
  },
  {
    name: 'wrong-arguments',
    isQuick: true,
    inner: [{ kind: 'bad-argument', rank: 'all', isLasting: true }],
    expected: stopped('bad-input', /unrecognized arguments/),
  },
];

/** What people do. */
const PEOPLE: readonly FaultRow[] = [
  {
    name: 'cancelled',
    isQuick: true,
    strike: { name: 'cancel', at: 'step' },
    expected: { end: 'cancelled', incidents: [], attempts: 1 },
  },
  {
    name: 'terminated',
    strike: { name: 'terminate', at: 'early' },
    ...LONG,
    expected: { end: 'terminated', incidents: [], attempts: 1 },
  },
  {
    name: 'two-runs-want-the-hosts',
    strike: { name: 'startAnother', at: 'step' },
    expected: UNTOUCHED,
  },
  {
    // Workers are away when the run is terminated, so nobody stops its ranks; the next run on these hosts does. Until
    // then they train on while nobody knows them, and Temper has no metrics of that time.
    name: 'leftover-training-of-another-run',
    strike: { name: 'orphanAndStartAnother', at: 'early' },
    ...LONG,
    expected: { end: 'terminated', incidents: [], attempts: 1, areMetricsLost: true },
  },
];

/** The splits on hosts that have network interfaces of their own: somebody pulls the cable that leads to the server. */
export const NETWORK_ROWS: readonly FaultRow[] = [
  {
    name: 'unplugged-from-server',
    needs: 'own-network',
    strike: { name: 'cutServer', at: 'early' },
    stepMs: 350,
    expected: UNTOUCHED,
  },
  {
    name: 'unplugged-from-server-and-workspace',
    hasSpare: true,
    needs: 'own-network',
    strike: { name: 'cutServerAndWorkspace', at: 'early' },
    stepMs: 1_000,
    expected: { ...restarted('host-lost', 'replace-host'), areMetricsLost: true },
  },
];

/** Every other fault of the suite on the simulated trainer. */
export const ROWS: readonly FaultRow[] = [...PROCESSES, ...CONTROL, ...HOSTS, ...CHECKPOINTS, ...CAUSES, ...PEOPLE];
