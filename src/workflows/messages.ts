import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  LeaseGrant,
  LeaseRelease,
  LeaseRequest,
  Registration,
  SetAsideCall,
  TakeBackCall,
} from '../schemas/fleet-calls.js';
import type { FleetState, HostRecord } from '../schemas/host.js';
import type { GangReport } from '../schemas/incident.js';
import type { Problem } from '../schemas/problem.js';
import type { ApproveRequest } from '../schemas/retrain.js';
import type { PauseAnswer, ResumeAnswer, ResumeRequest, RunMemo } from '../schemas/run.js';

/** Continues a blocked run; answers at once whether the correction is valid. */
export const resumeRunUpdate = defineUpdate<ResumeAnswer, [ResumeRequest]>('resumeRun');

/** Stops what runs and parks the run, so that it can be resumed; answers when everything has stopped. */
export const pauseRunUpdate = defineUpdate<PauseAnswer, [{ v: 1; reason: string }]>('pauseRun');

/** State of a run, for debugging; the CLI reads the memo, which needs no worker. */
export const getRunQuery = defineQuery<RunMemo>('getRun');
/** Asks a run why it is blocked, in full: its memo has room for a part. */
export const getProblemQuery = defineQuery<Problem | null>('getProblem');

/** Announces a host worker to its fleet. */
export const registerHostUpdate = defineUpdate<Registration, [HostRecord]>('registerHost');
/** Asks the fleet for hosts. */
export const requestLeaseSignal = defineSignal<[LeaseRequest]>('requestLease');
/** Gives the hosts of a lease back. */
export const releaseLeaseSignal = defineSignal<[LeaseRelease]>('releaseLease');

/** Takes a host out of the fleet: a person cordons it, a gang quarantines it. */
export const setHostAsideSignal = defineSignal<[SetAsideCall]>('setHostAside');

/** Lets leases have a host again that was set aside. */
export const takeHostBackSignal = defineSignal<[TakeBackCall]>('takeHostBack');
/** Hosts, leases and owners that wait, as the fleet knows them. */
export const getFleetQuery = defineQuery<FleetState>('getFleet');

/** Tells an owner which hosts it got. */
export const leaseGrantedSignal = defineSignal<[LeaseGrant]>('leaseGranted');

/** Tells the workflow of the run how its gang is doing: at each launch and at each incident. */
export const gangReportedSignal = defineSignal<[GangReport]>('gangReported');

/** Lets a retrain promote its model, or refuses it; only while it waits for that. */
export const approveRetrainUpdate = defineUpdate<{ v: 1; isTaken: boolean }, [ApproveRequest]>('approveRetrain');
