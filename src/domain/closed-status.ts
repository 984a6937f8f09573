/** Statuses after which a workflow never goes on: neither a paused one nor one that was continued as new has them. */
const CLOSED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT']);

/** Whether a workflow of this status is over for certain; a status that this version does not know is not. */
export function isClosedStatus(status: string): boolean {
  return CLOSED.has(status);
}

/** How a workflow of this status ended when it did not end by itself; null for all others. */
export function endOf(status: string): 'cancelled' | 'terminated' | 'failed' | null {
  switch (status) {
    case 'CANCELLED':
      return 'cancelled';
    case 'TERMINATED':
      return 'terminated';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    default:
      return null;
  }
}
