/**
 * @packageDocumentation
 *
 * A membership for small clusters: heartbeats between all nodes, judged by a failure detector of choice.
 */
export { heartbeatMembership } from './heartbeat-membership.ts';
export type { HeartbeatMembershipOptions } from './options.ts';
