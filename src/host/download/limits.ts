/** How patient and how parallel downloads are; tests make them small. */
export interface DownloadLimits {
  /** Files at once. */
  readonly files: number;
  /** Connections for one large file. */
  readonly connections: number;
  /** From this size on a file is fetched over several connections. */
  readonly parallelFromBytes: number;
  /** Size of the pieces that connections take. */
  readonly pieceBytes: number;
  readonly connectTimeoutMs: number;
  /** Time to the first byte of an answer. */
  readonly answerTimeoutMs: number;
  /** Silence within an answer; a slow server that sends anything at all is waited for. */
  readonly stallTimeoutMs: number;
  /** Tries in a row that bring no new byte before the download fails. */
  readonly tries: number;
  /** First wait after a failure; doubles up to `maxWaitMs`. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Longest that a server can ask to wait with Retry-After. */
  readonly maxAskedWaitMs: number;
  /** How often a file may change at the server while it is downloaded. */
  readonly restarts: number;
  /** How much and how long is written between two entries of the journal: what a crash can cost. */
  readonly journalBytes: number;
  readonly journalMs: number;
  /** How often the holder of a claim shows that it lives, and when a silent one on another host is left alone. */
  readonly claimBeatMs: number;
  readonly claimSilenceMs: number;
  readonly claimPollMs: number;
}

const MB = 1024 * 1024;

/** Limits for real networks: some minutes of outage are waited for; hubs throttle per connection, so four each. */
export const DOWNLOAD_LIMITS: DownloadLimits = {
  files: 4,
  connections: 4,
  parallelFromBytes: 64 * MB,
  pieceBytes: 32 * MB,
  connectTimeoutMs: 20_000,
  answerTimeoutMs: 60_000,
  stallTimeoutMs: 60_000,
  tries: 12,
  firstWaitMs: 1_000,
  maxWaitMs: 60_000,
  maxAskedWaitMs: 300_000,
  restarts: 3,
  journalBytes: 64 * MB,
  journalMs: 2_000,
  claimBeatMs: 5_000,
  claimSilenceMs: 120_000,
  claimPollMs: 500,
};
