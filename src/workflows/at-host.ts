import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { problemOf } from './problem-of.js';

/** Names the host in the failure of work that its worker did not take or end; the server's timeouts do not. */
export async function atHost<T>(host: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const facts = isCancellation(error) ? null : problemOf(error, host);
    if (facts?.code !== 'HostUnreachable' || facts.where !== host) throw error;
    const fix = `start it: temper worker --role host --name ${host} (temper cordon ${host} takes it out instead), then temper resume RUN`;
    const told = { ...facts, fix: facts.why?.includes('START_TO_CLOSE') === true ? facts.fix : fix };
    throw ApplicationFailure.nonRetryable(told.what, told.code, told);
  }
}
