/**
 * @packageDocumentation
 *
 * The contracts between the parts of a cluster, and `createCluster`, which makes one cluster out of chosen parts.
 */
export { type Address, formatAddress, isAddress, isLoopback, parseAddress } from './address.ts';
export { announceLeave, type LeaveAnnouncement } from './announce-leave.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export {
  BaseClusterDiscovery,
  type LookupAnswer,
  type LookupOptions,
  type PollingOptions,
  pollingRules,
} from './base-discovery.ts';
export { BaseLocks, type LockRequest, type LockShare } from './base-locks.ts';
export { Broadcast } from './broadcast.ts';
export { ByteReader, type LengthForm, readU32, type UnsoundBytes } from './byte-reader.ts';
export { ByteWriter, MAX_NUMBER_BYTES, numberBytes } from './byte-writer.ts';
export type { CallOptions } from './call-options.ts';
export { areFounders, type Charter, foundersOf, isCharter, MAX_FOUNDERS } from './charter.ts';
export { type Channel, type ChannelOptions, createChannel } from './channel.ts';
export type { Clock, MonotonicMs, Timer } from './clock.ts';
export type { Cluster, ClusterEvents, ClusterStatus } from './cluster.ts';
export {
  CLUSTER_ERROR_CODES,
  ClusterError,
  type ClusterErrorCode,
  type ClusterErrorDetails,
  isClusterError,
  toClusterError,
  type WriteOutcome,
} from './cluster-error.ts';
export {
  type ClusterNode,
  formatNode,
  isClusterNode,
  isNodeId,
  MAX_NODE_BYTES,
  MAX_NODE_ID_LENGTH,
  type NodeId,
  parseNode,
  sameNode,
} from './cluster-node.ts';
export type { ClusterOptions, ClusterTimings } from './cluster-options.ts';
export {
  connectionMembership,
  type ConnectionMembershipOptions,
  MAX_SUSPECT_MEMBERS,
} from './connection-membership.ts';
export {
  type ConsistencyLevel,
  type ConsistencyPreset,
  consistencyPresets,
  type ReadConsistency,
  type WriteConsistency,
} from './consistency.ts';
export type {
  ClusterContext,
  ClusterIdentity,
  FormationContext,
  MembershipContext,
  ReplicatorContext,
  StorageContext,
  TransportContext,
} from './context.ts';
export {
  type GossipCarrier,
  type GossipExchange,
  gossipTopic,
  type GossipTopic,
  MAX_RUMOUR_BYTES,
  type RumourVerdict,
} from './gossip-carrier.ts';
export { checkBytes, checkMessageKind, checkRequestTimeout } from './check-message.ts';
export { crc32, type Crc32 } from './crc32.ts';
export type { Crypto } from './crypto.ts';
export { createCluster } from './create-cluster.ts';
export { abortError, settleWithin, shared, sleep, throwIfAborted, withDeadline } from './deadline.ts';
export type { DiscoveredNode, DiscoverySnapshot, DiscoverySupport, IClusterDiscovery } from './discovery.ts';
export type { Disk, DiskFile, DiskLock, DiskOpenOptions } from './disk.ts';
export type { ElectionSupport, LeaderElection, LeaderInfo, Leadership } from './election.ts';
export { type LinkedSignal, linkSignals } from './linked-signal.ts';
export type { HeldLock } from './lock-handle.ts';
export { type LockClaim, LockQueue } from './lock-queue.ts';
export type { Lock, LockOptions, Locks, LockSupport, SemaphoreOptions } from './locks.ts';
export { type Electorate, isElectorate, majorityOf } from './electorate.ts';
export { Emitter, type Listener as EventListener } from './events.ts';
export type { Formation } from './formation.ts';
export { forgettable, isGone, MAX_GONE_MEMBERS, withMember } from './gone-members.ts';
export { Grant } from './grant.ts';
export { guardedCall } from './guarded-call.ts';
export {
  BATCH_HEADER_BYTES,
  decodeBatch,
  encodeBatch,
  ENTRY_HEADER_BYTES,
  ENTRY_HEADROOM,
  type LogBatch,
  type LogEntry,
  readBatch,
  sealBatch,
  sliceBatch,
} from './log-batch.ts';
export {
  type GroupLog,
  type LogAppendOptions,
  type LogStore,
  MAX_APPEND_BYTES,
  MAX_SNAPSHOT_METADATA_BYTES,
  MAX_STATE_BYTES,
  type SnapshotAbout,
  type SnapshotInfo,
} from './log-store.ts';
export {
  type DebugScope,
  type DebugScopes,
  isLogger,
  leveledLogger,
  type Logger,
  type LogLevel,
  type LogSink,
  parseDebugScopes,
  silentLogger,
} from './logger.ts';
export type {
  ContactSink,
  FailureReason,
  LeaveReason,
  Member,
  Membership,
  MembershipChange,
  MembershipView,
  MemberState,
  RefusedDatagram,
} from './membership.ts';
export { describedNode, DESCRIPTION_INTERVAL_MS, introduceAs, type NodeDescription } from './node-description.ts';
export { Keyring, MIN_SECRET_LENGTH, type Secrets } from './keyring.ts';
export { authenticates, type NodeCertificates, type Security } from './security.ts';
export type {
  CertificateDetails,
  CertificateSecurity,
  CertificateSet,
  SecuredStream,
  SharedKey,
  SharedKeySecurity,
  StreamPeer,
  StreamSecurity,
} from './stream-security.ts';
export { CertificateFiles, type CertificateOptions, describeCertificate, namesNode } from './certificates.ts';
export type {
  ConnectOptions,
  DatagramOptions,
  DatagramSocket,
  Listener,
  ListenOptions,
  MulticastOptions,
  Net,
  Socket,
  SocketHandler,
} from './net.ts';
export { MAX_DISCOVERED_NODES, normalizeNodes, type NormalizeOptions } from './normalize-nodes.ts';
export {
  type Blame,
  checkOptions,
  invalidOption,
  type NumberRange,
  type OptionRule,
  type OptionRules,
  rule,
} from './option-rules.ts';
export { Pace } from './pace.ts';
export { parseJson } from './parse-json.ts';
export { plainText } from './plain-text.ts';
export type { Capability, ClusterPlan, Plugin, PluginContexts, PluginKind } from './plugin.ts';
export { type Random, randomId } from './random.ts';
export { type OptionSources, readClusterOptions } from './read-cluster-options.ts';
export type {
  AnyReplicator,
  PeerProgress,
  ReadOptions,
  ReplicationStatus,
  Replicator,
  ReplicatorSupport,
  Session,
  WriteOptions,
} from './replicator.ts';
export type {
  Codec,
  CommittedCommand,
  MachineCodec,
  RestoreOptions,
  SnapshotSource,
  StateMachine,
} from './state-machine.ts';
export { isRecordName, MAX_RECORD_BYTES, type RecordStore, type Storage } from './storage.ts';
export type { System } from './system.ts';
export {
  aboutInstruments,
  type Attributes,
  countBuckets,
  type Counter,
  durationBuckets,
  type Histogram,
  type HistogramAbout,
  type InstrumentAbout,
  isCarrier,
  isTelemetry,
  noSpan,
  noTelemetry,
  type Observe,
  sizeBuckets,
  type Span,
  type SpanOptions,
  type Telemetry,
  telemetryOf,
} from './telemetry.ts';
export {
  type DisconnectReason,
  type MessageHandler,
  type MessageKind,
  messageKind,
  type OutgoingStream,
  type Peer,
  type PeerState,
  type RequestHandler,
  type RequestHandlerOptions,
  type RequestOptions,
  type StreamHandler,
  type Transport,
  type TransportClient,
  type TransportEvent,
} from './transport.ts';
