/**
 * @packageDocumentation
 *
 * What people do with a leader: run something once in a cluster, at every slot of a schedule or all the time; do work on the
 * leader only, or have it done there; refuse who comes late; and say whether a node is well. On any election.
 */
export { type FencingGuard, fencingGuard, type FencingGuardOptions } from './fencing/fencing-guard.ts';
export {
  type StoredFencingGuard,
  storedFencingGuard,
  type StoredFencingGuardOptions,
} from './fencing/stored-fencing-guard.ts';
export type { ForwardTarget } from './forwarding/envelope.ts';
export type { ForwardCallOptions, ForwardOptions } from './forwarding/forward-options.ts';
export {
  type ForwardHandler,
  type ForwardHandlers,
  type ForwardingCluster,
  forwardToLeader,
  type LeaderCalls,
  type LeaderFunction,
} from './forwarding/forward-to-leader.ts';
export {
  type Forwarder,
  type ForwardReceiver,
  transportForwarder,
  type TransportForwarderOptions,
} from './forwarding/forwarder.ts';
export type { ForwardedRequest } from './forwarding/leader-service.ts';
export { rememberedRequests } from './forwarding/remembered-requests.ts';
export {
  type Remembered,
  type RequestMark,
  type RequestMemory,
  termMemory,
  type TermMemoryOptions,
} from './forwarding/request-memory.ts';
export type { HealthCluster } from './health/cluster-checks.ts';
export { type CheckReport, type Health, healthOf, type HealthReport } from './health/health.ts';
export type { HealthCheck, HealthOptions } from './health/health-options.ts';
export type { FetchedResponse, FetchLike } from './http/fetching.ts';
export { type HttpForwarder, httpForwarder, type HttpForwarderOptions } from './http/http-forwarder.ts';
export { leaderHeaders, type LeaderRoutes, leaderRoutes, type LeaderRoutesOptions } from './http/leader-routes.ts';
export type { NodeRequest, NodeResponse } from './http/node-http.ts';
export type { Led } from './leading/led.ts';
export { leaderOnly, runIfLeader } from './leading/leader-only.ts';
export { waitForLeader, waitForLeadership, type WaitOptions } from './leading/wait-for-leader.ts';
export type { CoordinationCommand, CoordinationResult } from './replicated/coordination-codec.ts';
export { type CoordinationMachine, coordinationMachine } from './replicated/coordination-machine.ts';
export {
  coordinationIn,
  type Shared,
  type SharedMachine,
  type SharedReplicator,
  withCoordination,
} from './replicated/with-coordination.ts';
export type { RequestCommand, RequestResult } from './replicated/request-table.ts';
export type {
  SingletonEvents,
  SingletonRun,
  SingletonState,
  SingletonStatus,
  Slot,
} from './singleton/singleton-events.ts';
export type { RestartOptions, SingletonOptions } from './singleton/singleton-options.ts';
export { type SingletonTask, singletonTask } from './singleton/singleton-task.ts';
export type { CatchUp } from './slots/due-slots.ts';
export { recordClaims } from './slots/record-claims.ts';
export { type CoordinationReplicator, slotClaims } from './slots/replicated-claims.ts';
export type { CronSchedule, IntervalSchedule, ScheduleOptions, SlotTime } from './slots/schedule.ts';
export type { SlotClaim, SlotClaims, SlotOutcome, SlotRecord } from './slots/slot-claims.ts';
export type { SlotCommand, SlotResult } from './slots/slot-table.ts';
export type { VersionedRecord, VersionedRecords } from './slots/versioned-records.ts';
