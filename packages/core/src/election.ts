import type { CallOptions } from './call-options.ts';
import type { MonotonicMs } from './clock.ts';
import type { NodeId } from './cluster-node.ts';

/** Who was last seen to lead. */
export interface LeaderInfo {
  readonly nodeId: NodeId;
  readonly token: bigint;
}

/**
 * A grant, not a flag. It holds if and only if `isValid()`, read at the moment of use. What is already in flight by
 * then needs fencing: send `token` along with every effect outside, and let the receiver refuse a lower one than it
 * has seen. (Gray and Cheriton, "Leases", 1989; Kleppmann on fencing tokens, 2016.)
 */
export interface Leadership {
  readonly nodeId: NodeId;
  /** Grows with every grant of one cluster, whoever gets it. */
  readonly token: bigint;
  /** Aborts soon after the grant has ended: a notice, possibly late, never a proof that it holds. */
  readonly signal: AbortSignal;
  /** The grant ends here; renewals move it. */
  readonly deadline: MonotonicMs;
  /** Whether the grant holds now, by the clock. */
  isValid(): boolean;
}

/** What an election can do, for programs and contract suites to ask. */
export interface ElectionSupport {
  /** Whether leadership can be handed to a chosen node. Where false, `transfer` rejects with `UNSUPPORTED`. */
  readonly transfer: boolean;
}

/** Elects one leader at a time. At no moment of true time do two nodes hold a valid grant. */
export interface LeaderElection extends AsyncDisposable {
  readonly supports: ElectionSupport;
  /** The leader last observed; undefined while none is known. An observation, possibly old. */
  readonly leader: LeaderInfo | undefined;
  /** The grant, while this node holds one. */
  readonly leadership: Leadership | undefined;
  /**
   * Reads what is stored, begins to take part (votes, observes) and resolves when ready. Called once, before the
   * transport starts, so that its handlers are there when the first message arrives: it must not wait for peers.
   */
  start(options?: CallOptions): Promise<void>;
  /**
   * Stands for election until elected, and resolves with the grant; at once while one is held. Several calls wait for
   * the same grant. After the grant has ended, campaign again. Aborting the last waiting call withdraws the candidacy.
   */
  campaign(options?: CallOptions): Promise<Leadership>;
  /**
   * Ends the grant and the candidacy, and resolves once another node leads or none can take over; where candidates don't
   * know of each other, once any of them may. Calls of `campaign` that wait reject with `ABORTED`. Fine for a node that does
   * not lead.
   */
  resign(options?: CallOptions): Promise<void>;
  /**
   * Ends the grant in favour of another candidate and resolves when that one leads. As after the end of any grant,
   * this node stands again when it campaigns.
   * @throws ClusterError `NOT_LEADER`, `NOT_FOUND` when the node is no candidate that can be reached, `TIMEOUT`
   */
  transfer(to: NodeId, options?: CallOptions): Promise<void>;
  /**
   * What is known now, then each change; a slow reader gets the newest. A node is told of itself when it has the grant, and
   * not before.
   */
  watch(options?: CallOptions): AsyncIterable<LeaderInfo | undefined>;
}
