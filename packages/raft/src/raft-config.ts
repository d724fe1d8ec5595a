import type { LeaseConfig } from './lease.ts';
import { RaftError } from './raft-error.ts';
import type { RaftStorage } from './storage.ts';
import type { Entry } from './types.ts';

/** How a group is set up on one node. All nodes of a group should agree on all but `id`, `storage` and `applied`. */
export interface RaftConfig {
  /** This node, a positive integer. Never given to another node again, nor to this one after its log was lost. */
  readonly id: number;
  /** Ticks without a leader's word after which a node campaigns (or up to twice that, by chance). */
  readonly electionTicks: number;
  /** Ticks between a leader's heartbeats. Less than `electionTicks`, by a factor of ten as a rule. */
  readonly heartbeatTicks: number;
  readonly storage: RaftStorage;
  readonly random: RaftRandom;
  /** Up to where the state machine has applied the log already; not behind what storage has committed. @default 0 */
  readonly applied?: number | undefined;
  /** Writing and applying are asked for by messages and answered later, so that nothing waits for the disk. @default false */
  readonly asyncStorageWrites?: boolean | undefined;
  /** Bytes of entries in one message, but at least one entry. @default 1 MiB */
  readonly maxSizePerMessage?: number | undefined;
  /** Bytes of entries handed out for applying and not yet applied, but at least one entry. @default maxSizePerMessage */
  readonly maxCommittedSizePerReady?: number | undefined;
  /** Bytes of proposals that a leader holds uncommitted before it drops further ones. @default 256 MiB */
  readonly maxUncommittedSize?: number | undefined;
  /** Appends on their way to one follower. @default 256 */
  readonly maxInflightMessages?: number | undefined;
  /** Bytes of entries on their way to one follower; overshot by one message at most. @default 64 MiB */
  readonly maxInflightBytes?: number | undefined;
  /**
   * A leader that does not hear from a quorum for `electionTicks` steps down, and nobody votes within `electionTicks`
   * of hearing from a leader, so that a node that was cut off cannot depose a working one (dissertation, 6.2 and 4.2.3).
   * @default true
   */
  readonly checkQuorum?: boolean | undefined;
  /** Asks whether an election could be won before it raises the term (dissertation, 9.6). @default true */
  readonly preVote?: boolean | undefined;
  /**
   * Lets a leader answer reads without asking anyone, for as long as nobody else can lead. Needs `checkQuorum`, and that
   * clocks keep within `maxDrift`. @default none: every read is confirmed by a round of heartbeats
   */
  readonly lease?: LeaseConfig | undefined;
  /**
   * Whether every read is answered by the lease while that holds. Without it reads are always confirmed by a round, so
   * that they depend on no clock, and the lease is there for those who ask for it (`leaseUntil`). @default true
   */
  readonly leaseReads?: boolean | undefined;
  /**
   * Up to this term nobody has ever led, as where a host starts every log with the same entries: so nobody can have
   * promised anything to a leader. @default 0
   */
  readonly leaderlessTerm?: number | undefined;
  /**
   * How much a node is wanted as leader. One that is wanted more takes over when it has caught up, one that is wanted
   * less waits longer before it campaigns. @default 0 for all
   */
  readonly priority?: ((id: number) => number) | undefined;
  /**
   * Makes an entry of what was proposed to this leader, once it has its place in the log. It has these fields; what else a
   * host keeps with it is there wherever the entry is handed out. @default an entry with nothing else
   */
  readonly makeEntry?: ((fields: Entry) => Entry) | undefined;
  /** This node votes and keeps the log, but never campaigns: its host has no state machine. @default false */
  readonly witness?: boolean | undefined;
  /** Followers drop proposals instead of sending them on to the leader. @default false */
  readonly disableProposalForwarding?: boolean | undefined;
  /** Lets any change of configuration into the log. For tests, and hosts that check by themselves. @default false */
  readonly disableConfChangeValidation?: boolean | undefined;
  /**
   * A leader that is removed or made a learner becomes a follower once that is applied. Otherwise it goes on without
   * counting itself, and takes no proposals if it was removed, until its host hands over. @default true
   */
  readonly stepDownOnRemoval?: boolean | undefined;
}

/** Chance, handed in. Core's `Random` is one. */
export interface RaftRandom {
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
}

/** A configuration with nothing left open. */
export type ResolvedConfig = {
  readonly [K in Exclude<keyof RaftConfig, 'lease'>]-?: Exclude<RaftConfig[K], undefined>;
} & { readonly lease: LeaseConfig | undefined };

const MIB = 1024 * 1024;

/** Fills in the defaults. Throws a RaftError `INVALID_CONFIG` that says what is wrong. */
export function resolveConfig(config: RaftConfig): ResolvedConfig {
  const maxSizePerMessage = config.maxSizePerMessage ?? MIB;
  const resolved: ResolvedConfig = {
    id: config.id,
    electionTicks: config.electionTicks,
    heartbeatTicks: config.heartbeatTicks,
    storage: config.storage,
    random: config.random,
    applied: config.applied ?? 0,
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    maxSizePerMessage,
    maxCommittedSizePerReady: config.maxCommittedSizePerReady ?? maxSizePerMessage,
    maxUncommittedSize: config.maxUncommittedSize ?? 256 * MIB,
    maxInflightMessages: config.maxInflightMessages ?? 256,
    maxInflightBytes: config.maxInflightBytes ?? 64 * MIB,
    checkQuorum: config.checkQuorum ?? true,
    preVote: config.preVote ?? true,
    lease: config.lease,
    leaseReads: config.leaseReads ?? true,
    leaderlessTerm: config.leaderlessTerm ?? 0,
    priority: config.priority ?? (() => 0),
    makeEntry: config.makeEntry ?? ((fields) => fields),
    witness: config.witness ?? false,
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? true,
  };
  checkConfig(resolved);
  return resolved;
}

function checkConfig(config: ResolvedConfig): void {
  atLeast('id', config.id, 1);
  atLeast('heartbeatTicks', config.heartbeatTicks, 1);
  atLeast('electionTicks', config.electionTicks, config.heartbeatTicks + 1);
  atLeast('applied', config.applied, 0);
  atLeast('leaderlessTerm', config.leaderlessTerm, 0);
  atLeast('maxInflightMessages', config.maxInflightMessages, 1);
  for (const name of ['maxSizePerMessage', 'maxUncommittedSize'] as const) limit(name, config[name], 0);
  for (const name of ['maxCommittedSizePerReady', 'maxInflightBytes'] as const) limit(name, config[name], 1);
  if (config.maxInflightBytes < config.maxSizePerMessage) {
    throw invalid(
      'maxInflightBytes',
      `at least maxSizePerMessage, ${config.maxSizePerMessage}`,
      config.maxInflightBytes,
    );
  }
  if (config.lease !== undefined) checkLease(config.lease, config.checkQuorum);
}

function checkLease({ tickMs, maxDrift }: LeaseConfig, checkQuorum: boolean): void {
  if (!checkQuorum) throw invalid('checkQuorum', 'true where lease is given', checkQuorum);
  if (!(tickMs > 0 && tickMs < Infinity)) throw invalid('lease.tickMs', 'a positive number', tickMs);
  if (!(maxDrift >= 0 && maxDrift < 1)) throw invalid('lease.maxDrift', 'at least 0 and less than 1', maxDrift);
}

function atLeast(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw invalid(name, `an integer of at least ${least}`, value);
}

/** Like `atLeast`, but a limit may also be infinite. */
function limit(name: string, value: number, least: number): void {
  if (value !== Infinity) atLeast(name, value, least);
}

function invalid(name: string, expected: string, value: unknown): RaftError {
  return new RaftError('INVALID_CONFIG', `${name} must be ${expected}; it is ${String(value)}`);
}
