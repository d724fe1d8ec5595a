/**
 * @packageDocumentation
 *
 * Lets operators ask the nodes of a cluster: who is there, who leads, what happens; have them hand over, take members in and
 * let them go, and give a backup. `quorate`, the command line, asks by it.
 */
export {
  type AddOptions,
  type BackupReadOptions,
  type EventsOptions,
  type OperationOptions,
  OperationsClient,
} from './client.ts';
export { type Operations, operations, type OperationsOptions } from './operations.ts';
export type {
  Allowed,
  EventReport,
  EventsReport,
  EventType,
  LeaderReport,
  MemberReport,
  MembersReport,
  ReplicationReport,
  StatusReport,
} from './reports.ts';
