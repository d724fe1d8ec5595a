import { formatAddress } from './address.ts';
import { announceLeave } from './announce-leave.ts';
import { Broadcast } from './broadcast.ts';
import type { CallOptions } from './call-options.ts';
import type { Timer } from './clock.ts';
import { ClusterError } from './cluster-error.ts';
import { type NodeId, sameNode } from './cluster-node.ts';
import type { MembershipContext } from './context.ts';
import { shared, throwIfAborted } from './deadline.ts';
import { forgettable, withMember } from './gone-members.ts';
import { decodeLeaveNotice, encodeLeaveNotice } from './leave-notice.ts';
import { introduceAs, type NodeDescription } from './node-description.ts';
import type { FailureReason, Member, Membership, MembershipChange, MembershipView } from './membership.ts';
import { checkOptions, rule } from './option-rules.ts';
import type { Plugin } from './plugin.ts';
import { type DisconnectReason, messageKind, type Peer, type TransportEvent } from './transport.ts';

/** When the membership over connections gives a member up. */
export interface ConnectionMembershipOptions {
  /**
   * How long a peer may be without a connection, as `suspect`, before it counts as `unreachable`.
   * @default 10000
   */
  readonly unreachableAfterMs?: number;
  /**
   * How long a node that left or is unreachable stays in the view. It is dropped with the next change after that.
   * @default 3600000
   */
  readonly forgetAfterMs?: number;
  /**
   * How long `leave` waits for a majority of the others to acknowledge it.
   * @default 5000
   */
  readonly leaveTimeoutMs?: number;
}

/**
 * The most members in the view that are suspect; of more, the one that was alive for the shortest time counts as unreachable at
 * once. Where strangers are let in, they can come and go under ever other names, and must push nobody out who was here before.
 */
export const MAX_SUSPECT_MEMBERS = 1_000;

const MAX_UNREAD_CHANGES = 1_024;
/** Fewer than the transport queues, so that a queue that they have filled is made up for. */
const REFUSALS_A_LOOK = 256;
const DAY_MS = 86_400_000;

/**
 * The membership that needs no protocol of its own: a peer is alive while it is connected, suspect when its connection
 * is lost, unreachable when it stays lost, and left when it said that it leaves, or its connection ended with a goodbye.
 * Each node sees with its own eyes only. One that said that it leaves is `left` until another incarnation of it connects.
 *
 * A peer's connection gives `joined` when the view did not have it as alive or suspect, else `updated` when it was
 * suspect or describes itself differently or was restarted, else nothing.
 */
export function connectionMembership(options: ConnectionMembershipOptions = {}): Plugin<Membership, 'membership'> {
  const checked = checkOptions<ConnectionMembershipOptions>('connectionMembership', membershipRules, options);
  return {
    name: 'connection-membership',
    kind: 'membership',
    requires: ['transport'],
    create: (context) => new ConnectionMembership(context, checked),
  };
}

const membershipRules = {
  unreachableAfterMs: rule.duration({ min: 0, max: DAY_MS }),
  forgetAfterMs: rule.duration({ min: 0, max: 365 * DAY_MS }),
  leaveTimeoutMs: rule.duration({ min: 0, max: DAY_MS }),
};

type MemberDraft = Pick<Member, 'node' | 'incarnation' | 'state'>;

interface Suspicion {
  readonly timer: Timer;
  /** How long the member was alive before. */
  readonly livedMs: number;
  reason: FailureReason;
}

/** A change without the view that it makes. */
type Happening = MembershipChange extends infer C
  ? C extends MembershipChange
    ? Omit<C, 'view' | 'member'>
    : never
  : never;

class ConnectionMembership implements Membership {
  readonly #context: MembershipContext;
  readonly #unreachableAfterMs: number;
  readonly #forgetAfterMs: number;
  readonly #leaveTimeoutMs: number;
  readonly #changes = new Broadcast<MembershipChange>(MAX_UNREAD_CHANGES);
  readonly #closed = new AbortController();
  /** Exactly one for each suspect. */
  readonly #suspicions = new Map<NodeId, Suspicion>();
  /** The incarnations that said that they leave, of members in the view: they are still connected for a moment. */
  readonly #leavers = new Map<NodeId, number>();
  #view: MembershipView;
  #started = false;
  #listening: Disposable | undefined;
  #leaving: Promise<void> | undefined;

  constructor(context: MembershipContext, options: ConnectionMembershipOptions) {
    const { unreachableAfterMs = 10_000, forgetAfterMs = 3_600_000, leaveTimeoutMs = 5_000 } = options;
    this.#context = context;
    this.#unreachableAfterMs = unreachableAfterMs;
    this.#forgetAfterMs = forgetAfterMs;
    this.#leaveTimeoutMs = leaveTimeoutMs;
    this.#view = { version: 1, members: new Map([[context.self.id, this.#describeSelf()]]) };
  }

  get view(): MembershipView {
    this.#refreshSelf();
    return this.#view;
  }

  start(options: CallOptions = {}): Promise<void> {
    const { signal } = this.#closed;
    return (async () => {
      if (signal.aborted) throw new ClusterError('CLOSED', 'connection-membership: disposed');
      throwIfAborted(options.signal, 'connection-membership: start');
      if (this.#started) return;
      this.#started = true;
      const { transport } = this.#context;
      this.#listening = transport.onRequest(messageKind.GOSSIP, (from, notice) => this.#acknowledge(from, notice));
      void this.#follow(transport.watch({ signal }));
    })();
  }

  async leave(options: CallOptions = {}): Promise<void> {
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', 'connection-membership: disposed');
    throwIfAborted(options.signal, 'connection-membership: leave');
    this.#leaving ??= this.#leave();
    await shared(this.#leaving, 'connection-membership: leave', options);
  }

  describe(description: NodeDescription): void {
    const { transport } = this.#context;
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', 'connection-membership: disposed');
    if (this.#leaving !== undefined) throw new ClusterError('CLOSED', 'connection-membership: this node leaves');
    introduceAs(transport, description);
    const own = this.#view.members.get(transport.self.id);
    if (own === undefined || sameNode(own.node, transport.self)) return;
    this.#change({ ...own, node: transport.self }, { type: 'updated' });
  }

  watch(options: CallOptions = {}): AsyncIterable<MembershipChange> {
    return this.#changes.watch(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#listening?.[Symbol.dispose]();
    for (const { timer } of this.#suspicions.values()) timer.cancel();
    this.#suspicions.clear();
    this.#changes[Symbol.dispose]();
    return Promise.resolve();
  }

  async #leave(): Promise<void> {
    const { clock, transport, incarnation } = this.#context;
    const notice = encodeLeaveNotice(incarnation);
    const announcement = { clock, transport, membership: this, notice, timeoutMs: this.#leaveTimeoutMs };
    try {
      await announceLeave(announcement, { signal: this.#closed.signal });
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
      throw new ClusterError('CLOSED', 'connection-membership: disposed while it was leaving', { cause: error });
    }
  }

  /** Marks the sender as left before it is answered. It may be known by its connection only, whose event is on its way. */
  #acknowledge(from: NodeId, notice: Uint8Array): Uint8Array {
    const incarnation = decodeLeaveNotice(notice);
    const peer = this.#context.transport.peer(from);
    if (peer?.incarnation !== incarnation) {
      throw new ClusterError(
        'PROTOCOL',
        `connection-membership: ${from} leaves in an incarnation that is not connected`,
      );
    }
    this.#connected(peer);
    this.#leavers.set(from, incarnation);
    const known = this.#view.members.get(from);
    if (known !== undefined) this.#left(known);
    return new Uint8Array();
  }

  async #follow(events: AsyncIterable<TransportEvent>): Promise<void> {
    let refusals = 0;
    for await (const event of events) {
      if (this.#closed.signal.aborted) return;
      this.#observe(event);
      // Strangers can cause refusals by the thousand, and each would cost a look at all peers. That look also finds who
      // describes itself anew.
      refusals = event.type === 'refused' ? refusals + 1 : 0;
      if (refusals % REFUSALS_A_LOOK === 0) this.#reconcile();
    }
  }

  #observe(event: TransportEvent): void {
    if (event.type === 'connected') this.#connected(event.peer);
    if (event.type === 'disconnected') this.#disconnected(event.peer, event.reason);
    if (event.type === 'unreachable') this.#dialFailed(formatAddress(event.address));
  }

  /** What events that were dropped by a full queue would have told: the transport's peers are the truth. */
  #reconcile(): void {
    const { transport } = this.#context;
    for (const peer of transport.peers) if (peer.state === 'connected') this.#connected(peer);
    for (const { node, state } of this.#view.members.values()) {
      const peer = state === 'alive' && node.id !== transport.self.id ? transport.peer(node.id) : undefined;
      if (peer !== undefined && peer.state !== 'connected') this.#disconnected(peer, 'closed');
    }
  }

  #connected({ node, incarnation }: Peer): void {
    if (node.id === this.#context.transport.self.id || this.#leavers.get(node.id) === incarnation) return;
    const known = this.#view.members.get(node.id);
    this.#endSuspicion(node.id);
    this.#leavers.delete(node.id);
    const draft = { node, incarnation, state: 'alive' } as const;
    if (known === undefined || known.state === 'left' || known.state === 'unreachable') {
      this.#change(draft, { type: 'joined' });
    } else if (known.state === 'suspect' || known.incarnation !== incarnation || !sameNode(known.node, node)) {
      this.#change(draft, { type: 'updated' });
    }
  }

  #disconnected({ node }: Peer, reason: DisconnectReason): void {
    const known = this.#view.members.get(node.id);
    // That it left was remembered for as long as it was connected.
    if (known === undefined) this.#leavers.delete(node.id);
    if (known === undefined || node.id === this.#context.transport.self.id) return;
    if (reason === 'goodbye') this.#left(known);
    else if (known.state === 'alive')
      this.#suspect(known, reason === 'timeout' ? 'heartbeat_timeout' : 'connection_closed');
  }

  #left(known: Member): void {
    this.#endSuspicion(known.node.id);
    if (known.state !== 'left')
      this.#change({ ...known, state: 'left' }, { type: 'left', reason: 'graceful_shutdown' });
  }

  #suspect(known: Member, reason: FailureReason): void {
    const { id } = known.node;
    const { clock } = this.#context;
    const timer = clock.setTimer(this.#unreachableAfterMs, () => this.#fail(id));
    this.#suspicions.set(id, { timer, livedMs: clock.now() - known.since, reason });
    this.#change({ ...known, state: 'suspect' }, { type: 'suspected', reason });
    if (this.#suspicions.size > MAX_SUSPECT_MEMBERS) this.#failBriefest();
  }

  #failBriefest(): void {
    const [briefest] = [...this.#suspicions].reduce((a, b) => (b[1].livedMs < a[1].livedMs ? b : a));
    this.#suspicions.get(briefest)?.timer.cancel();
    this.#fail(briefest);
  }

  #fail(id: NodeId): void {
    const known = this.#view.members.get(id);
    const reason = this.#suspicions.get(id)?.reason;
    this.#suspicions.delete(id);
    if (known === undefined || reason === undefined) return;
    const peer = this.#context.transport.peer(id);
    if (peer?.state === 'connected') this.#connected(peer);
    else this.#change({ ...known, state: 'unreachable' }, { type: 'failed', reason });
  }

  /** A suspect that refuses the next dial: its process is gone, not just the connection. */
  #dialFailed(address: string): void {
    for (const [id, suspicion] of this.#suspicions) {
      const member = this.#view.members.get(id);
      if (member !== undefined && formatAddress(member.node) === address) suspicion.reason = 'connection_refused';
    }
  }

  #endSuspicion(id: NodeId): void {
    this.#suspicions.get(id)?.timer.cancel();
    this.#suspicions.delete(id);
  }

  #change(draft: MemberDraft, happening: Happening): void {
    const { clock, transport } = this.#context;
    // What is told of this node itself is no change that goes unannounced.
    if (draft.node.id !== transport.self.id) this.#refreshSelf();
    const known = this.#view.members.get(draft.node.id);
    const since = known?.state === draft.state ? known.since : clock.now();
    const { node, state, incarnation } = draft;
    const member: Member = { node, state, incarnation, since };
    this.#view = nextView(this.#view, member, this.#forget());
    this.#changes.publish({ ...happening, member, view: this.#view });
  }

  /** Bounded: forgetting rides on the changes that add members, so the view never changes unannounced. */
  #forget(): ReadonlySet<NodeId> {
    const forgotten = forgettable(this.#view.members, this.#context.clock.now() - this.#forgetAfterMs);
    for (const id of forgotten) this.#forgetLeaver(id);
    return forgotten;
  }

  /** Unless it is still connected, and would join again. */
  #forgetLeaver(id: NodeId): void {
    if (this.#context.transport.peer(id)?.state !== 'connected') this.#leavers.delete(id);
  }

  /** This node's own address is complete only once the transport has started. */
  #refreshSelf(): void {
    const { transport } = this.#context;
    const own = this.#view.members.get(transport.self.id);
    if (own !== undefined && sameNode(own.node, transport.self)) return;
    this.#view = nextView(this.#view, this.#describeSelf(own));
  }

  #describeSelf(known?: Member): Member {
    const { transport, incarnation, clock } = this.#context;
    return { node: transport.self, state: 'alive', incarnation, since: known?.since ?? clock.now() };
  }
}

function nextView(
  { version, members }: MembershipView,
  changed: Member,
  forgotten?: ReadonlySet<NodeId>,
): MembershipView {
  return { version: version + 1, members: withMember(members, changed, forgotten) };
}
