/**
 * @packageDocumentation
 *
 * The machine behind every leased grant: takes a lease of an engine, renews it, steps down in time, observes who has it.
 */
export type {
  LeaseEngine,
  LeaseHold,
  LeaseHolder,
  LeaseIdentity,
  LeaseRefusal,
  LeaseRequest,
  LeaseShare,
  LeaseStore,
  LeaseView,
} from './lease-store.ts';
export { leasedElection, type LeasedElectionParts } from './leased-election.ts';
export { type LeaseOptions, leaseRules, type LeaseTimings, leaseTimings } from './lease-timings.ts';
export { leasedLocks, type LeasedLocksParts } from './leased-locks.ts';
