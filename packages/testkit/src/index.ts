/**
 * @packageDocumentation
 *
 * What the contracts of Quorate promise, as tests that an adapter's author runs with any test framework.
 */
export { discoveryContract } from './discovery-contract.ts';
export type { DiscoveryHarness } from './discovery-fixture.ts';
export { ExpectationError } from './expectations.ts';
export type { NodeHarness, NodeParts } from './node-cluster.ts';
export type { RefusedOptions } from './lifecycle.ts';
export type { Runner, TestFunction } from './runner.ts';
export type { Harness } from './suite.ts';
export { logStoreContract } from './log-store-contract.ts';
export type { LogStoreHarness } from './log-store-fixture.ts';
export { storageContract, type StorageHarness } from './storage-contract.ts';
export { transportContract } from './transport-contract.ts';
export type { TransportHarness } from './transport-fixture.ts';
export { membershipContract } from './membership-contract.ts';
export type { MembershipHarness } from './membership-fixture.ts';
export { electionContract } from './election-contract.ts';
export type { ElectionHarness } from './election-fixture.ts';
export { lockContract } from './locks/lock-contract.ts';
export type { LockHarness } from './locks/lock-fixture.ts';
export { lockServerContract } from './locks/lock-server-contract.ts';
export type { LockLook, LockProcess, LockServer, LockServerHarness } from './locks/lock-server-harness.ts';
export { LockAudit } from './locks/lock-audit.ts';
export { appendListModel, type AppendListInput, type AppendListValue } from './linearizability/append-list-model.ts';
export {
  checkLinearizable,
  type LinearizabilityOptions,
  type LinearizabilityVerdict,
  type LinearizabilityViolation,
  type LinearizableHistory,
  type UndecidedHistory,
} from './linearizability/check-linearizable.ts';
export { explainViolation } from './linearizability/explain-violation.ts';
export { HistoryRecorder, type RecordedCall } from './linearizability/history-recorder.ts';
export type { Operation, Output, SequentialModel, Step } from './linearizability/model.ts';
export {
  registerModel,
  type RegisterInput,
  type RegisterOutput,
  type RegisterValue,
} from './linearizability/register-model.ts';
export { ticketModel, type TicketInput } from './linearizability/ticket-model.ts';
export type {
  KeyValueAnswer,
  KeyValueCommand,
  KeyValueQuery,
  KeyValueResult,
  KeyValueStateMachine,
} from './replicator/key-value-machine.ts';
export { replicatorContract } from './replicator/replicator-contract.ts';
export type { KeyValueReplicator, ReplicatorHarness } from './replicator/replicator-fixture.ts';
