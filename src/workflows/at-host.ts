import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { problemOf } from './problem-of.js';

/** Names the host in the failure of work that its worker did not take or end; the server's timeouts do not. */
export async function atHost<T>(host: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const facts = isCancellation(error) ? null : problemOf(error, host, host);
    if (facts?.code !== 'HostUnreachable' || facts.where !== host) throw error;
    throw ApplicationFailure.nonRetryable(facts.what, facts.code, facts);
  }
}
