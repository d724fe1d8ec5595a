import {
  announceLeave,
  Broadcast,
  type CallOptions,
  ClusterError,
  formatAddress,
  introduceAs,
  isGone,
  type FailureReason,
  type Member,
  type Membership,
  type MembershipChange,
  type MembershipContext,
  type MembershipView,
  messageKind,
  type NodeDescription,
  type NodeId,
  type Peer,
  type Plugin,
  sameNode,
  shared,
  throwIfAborted,
  type Timer,
  type TransportEvent,
} from '@quorate/core';

import { decodeHeartbeat, decodeLeave, encodeHeartbeat, encodeLeave, type Heartbeat } from './heartbeat-frame.ts';
import { JoinOrder } from './join-order.ts';
import { MemberTable } from './member-table.ts';
import { type HeartbeatMembershipOptions, type SettledOptions, settleOptions } from './options.ts';
import { WakingTime } from './waking-time.ts';
import { WatchedPeers } from './watched-peers.ts';

const NAME = 'membership-heartbeat';
const MAX_UNREAD_CHANGES = 1_024;

/**
 * The membership of small clusters: every node sends a heartbeat to every other it is connected to, at each interval, and
 * has each of the others judged by a failure detector of its own. Each sees with its own eyes only.
 *
 * A node is alive from its first heartbeat on; suspect when the detector gives it up, or its connection is lost;
 * unreachable when it stays so; left when it said that it leaves.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function heartbeatMembership(options: HeartbeatMembershipOptions = {}): Plugin<Membership, 'membership'> {
  const settled = settleOptions(options);
  return {
    name: NAME,
    kind: 'membership',
    requires: ['transport'],
    create: (context) => new HeartbeatMembership(context, settled),
  };
}

/** A change without what it makes of the view. */
type Happening =
  | { readonly type: 'joined' | 'updated' }
  | { readonly type: 'suspected'; readonly reason: FailureReason }
  | End;

/** How a member ceases to be one. */
type End =
  | { readonly type: 'failed'; readonly reason: FailureReason }
  | { readonly type: 'left'; readonly reason: 'graceful_shutdown' };

class HeartbeatMembership implements Membership {
  readonly #context: MembershipContext;
  readonly #options: SettledOptions;
  readonly #table: MemberTable;
  readonly #time: WakingTime;
  readonly #order: JoinOrder;
  readonly #changes = new Broadcast<MembershipChange>(MAX_UNREAD_CHANGES);
  readonly #closed = new AbortController();
  readonly #watched: WatchedPeers;
  /** The incarnations that said that they leave: they are still connected for a moment. */
  readonly #leavers = new Map<NodeId, number>();
  readonly #listening: Disposable[] = [];
  #timer: Timer | undefined;
  #started = false;
  #leaving: Promise<void> | undefined;

  constructor(context: MembershipContext, options: SettledOptions) {
    const now = context.clock.now();
    this.#context = context;
    this.#options = options;
    this.#watched = new WatchedPeers(options, context.logger);
    this.#time = new WakingTime(options.intervalMs, now);
    this.#order = new JoinOrder(options.intervalMs, now);
    const { self: node, incarnation } = context;
    const self: Member = { node, state: 'alive', incarnation, joinOrder: this.#order.own, since: now };
    this.#table = new MemberTable(self, options.forgetAfterMs);
  }

  get view(): MembershipView {
    this.#refreshSelf();
    return this.#table.view;
  }

  async start(options: CallOptions = {}): Promise<void> {
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', `${NAME}: disposed`);
    throwIfAborted(options.signal, `${NAME}: start`);
    if (this.#started) return;
    this.#started = true;
    const { transport } = this.#context;
    this.#listening.push(
      transport.onMessage(messageKind.GOSSIP, (from, payload) => this.#receive(from, payload)),
      transport.onRequest(messageKind.GOSSIP, (from, payload) => this.#acknowledgeLeave(from, payload)),
    );
    void this.#follow(transport.watch({ signal: this.#closed.signal }));
    this.#time.tick(this.#context.clock.now());
    this.#arm();
  }

  async leave(options: CallOptions = {}): Promise<void> {
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', `${NAME}: disposed`);
    throwIfAborted(options.signal, `${NAME}: leave`);
    this.#leaving ??= this.#leave();
    await shared(this.#leaving, `${NAME}: leave`, options);
  }

  describe(description: NodeDescription): void {
    const { transport } = this.#context;
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', `${NAME}: disposed`);
    if (this.#leaving !== undefined) throw new ClusterError('CLOSED', `${NAME}: this node leaves`);
    introduceAs(transport, description);
    const own = this.#table.get(transport.self.id);
    if (own === undefined || sameNode(own.node, transport.self)) return;
    this.#change({ ...own, node: transport.self }, { type: 'updated' });
  }

  watch(options: CallOptions = {}): AsyncIterable<MembershipChange> {
    return this.#changes.watch(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#timer?.cancel();
    for (const listening of this.#listening.splice(0)) listening[Symbol.dispose]();
    this.#watched.clear();
    this.#changes[Symbol.dispose]();
    return Promise.resolve();
  }

  async #leave(): Promise<void> {
    const { clock, transport, incarnation } = this.#context;
    const notice = encodeLeave(incarnation);
    const announcement = { clock, transport, membership: this, notice, timeoutMs: this.#options.leaveTimeoutMs };
    try {
      await announceLeave(announcement, { signal: this.#closed.signal });
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
      throw new ClusterError('CLOSED', `${NAME}: disposed while it was leaving`, { cause: error });
    }
  }

  #arm(): void {
    this.#timer = this.#context.clock.setTimer(this.#options.intervalMs, () => this.#tick());
  }

  #tick(): void {
    const now = this.#context.clock.now();
    this.#time.tick(now);
    this.#arm();
    if (this.#order.waited(this.#time.read(now))) this.#placeTaken();
    else for (const peer of this.#context.transport.peers) this.#greet(peer);
    if (!this.#time.isUnsure(now)) this.#judge(this.#time.read(now));
  }

  #greet({ node, state }: Peer): void {
    const { transport } = this.#context;
    // One that is not sent because the queue is full is one that got lost.
    if (state === 'connected') transport.send(node.id, messageKind.GOSSIP, encodeHeartbeat(this.#heartbeat()));
  }

  #heartbeat(): Heartbeat {
    const { own: joinOrder, highest: highestOrder } = this.#order;
    const { incarnation } = this.#context;
    return { incarnation, joinOrder, highestOrder, loopDelayMs: this.#time.loopDelayMs };
  }

  #judge(now: number): void {
    const { transport } = this.#context;
    for (const [id, peer] of this.#watched.all) {
      const isGivenUp = this.#watched.isGivenUp(id, now);
      const { suspected } = peer;
      const isConnected = transport.peer(id)?.state === 'connected';
      if (suspected === undefined && !isConnected) this.#suspect(id, 'connection_closed');
      else if (suspected === undefined && isGivenUp) this.#suspect(id, 'heartbeat_timeout');
      else if (suspected !== undefined && now - suspected.since >= this.#options.unreachableAfterMs) {
        this.#end(id, { type: 'failed', reason: suspected.reason });
      }
    }
  }

  #receive(from: NodeId, payload: Uint8Array): void {
    const peer = this.#context.transport.peer(from);
    const heartbeat = decodeHeartbeat(payload);
    if (heartbeat === undefined) this.#context.logger.debug(`${from} sent what is no heartbeat of this version`);
    if (heartbeat === undefined || peer?.state !== 'connected' || peer.incarnation !== heartbeat.incarnation) return;
    if (this.#leavers.get(from) === heartbeat.incarnation) return;
    const now = this.#context.clock.now();
    if (this.#order.heard(heartbeat, this.#time.read(now))) this.#placeTaken();
    // One that has no place yet has not joined.
    if (heartbeat.joinOrder > 0) this.#heard(peer, heartbeat, now);
  }

  #heard({ node, incarnation }: Peer, { joinOrder, loopDelayMs }: Heartbeat, now: number): void {
    const known = this.#table.get(node.id);
    const wakingNow = this.#time.read(now);
    const peer = this.#watched.watch(node.id, incarnation, wakingNow);
    peer.heard(wakingNow, loopDelayMs, this.#time.isUnsure(now));
    peer.suspected = undefined;
    this.#leavers.delete(node.id);
    const isSameRun = known?.incarnation === incarnation;
    // Of a run it never changes, whatever is said.
    const order = isSameRun && known.joinOrder !== undefined ? known.joinOrder : joinOrder;
    const draft = { node, incarnation, state: 'alive', joinOrder: order } as const;
    if (known === undefined || isGone(known)) this.#change(draft, { type: 'joined' });
    else if (known.state !== 'alive' || !isSameRun || !sameNode(known.node, node)) {
      this.#change(draft, { type: 'updated' });
    }
  }

  /** Marks the sender as left before it is answered. It may be known by its connection only. */
  #acknowledgeLeave(from: NodeId, payload: Uint8Array): Uint8Array {
    const incarnation = decodeLeave(payload);
    const peer = this.#context.transport.peer(from);
    if (incarnation === undefined || peer?.incarnation !== incarnation) {
      throw new ClusterError('PROTOCOL', `${NAME}: no notice of this version and of the run that is connected`);
    }
    this.#leavers.set(from, incarnation);
    this.#end(from, { type: 'left', reason: 'graceful_shutdown' });
    return new Uint8Array();
  }

  async #follow(events: AsyncIterable<TransportEvent>): Promise<void> {
    for await (const event of events) {
      if (this.#closed.signal.aborted) return;
      this.#observe(event);
    }
  }

  /** What a full queue has dropped of these is seen at the next tick. */
  #observe(event: TransportEvent): void {
    if (event.type === 'connected') this.#greet(event.peer);
    if (event.type === 'unreachable') this.#dialFailed(formatAddress(event.address));
    if (event.type !== 'disconnected') return;
    const { id } = event.peer.node;
    if (event.reason === 'goodbye') this.#end(id, { type: 'left', reason: 'graceful_shutdown' });
    const isConnected = this.#context.transport.peer(id)?.state === 'connected';
    // Who was paused itself has been hung up on: it is for the others to call back.
    if (!isConnected && this.#table.get(id) === undefined) this.#leavers.delete(id);
    if (isConnected || this.#time.isUnsure(this.#context.clock.now())) return;
    this.#suspect(id, event.reason === 'timeout' ? 'heartbeat_timeout' : 'connection_closed');
  }

  /** A suspect that refuses the next dial: its process is gone, not just the connection. */
  #dialFailed(address: string): void {
    for (const [id, { suspected }] of this.#watched.all) {
      const node = this.#table.get(id)?.node;
      if (suspected !== undefined && node !== undefined && formatAddress(node) === address) {
        suspected.reason = 'connection_refused';
      }
    }
  }

  #suspect(id: NodeId, reason: FailureReason): void {
    const peer = this.#watched.get(id);
    const known = this.#table.get(id);
    if (peer === undefined || known?.state !== 'alive') return;
    const now = this.#time.read(this.#context.clock.now());
    peer.suspected = { since: now, livedMs: this.#context.clock.now() - known.since, reason };
    const { loopDelayMs } = peer;
    const silence = Math.round(peer.silence(now));
    this.#context.logger.info(
      `${id} is suspected: ${reason}, silent for ${silence} ms, loop late by ${loopDelayMs} ms`,
    );
    this.#change({ ...known, state: 'suspect' }, { type: 'suspected', reason });
    const { surplus } = this.#watched;
    if (surplus !== undefined) this.#end(surplus.id, { type: 'failed', reason: surplus.reason });
  }

  /** Whatever comes of it later is another life of it. */
  #end(id: NodeId, happening: End): void {
    this.#watched.delete(id);
    const known = this.#table.get(id);
    const state = happening.type === 'left' ? 'left' : 'unreachable';
    if (known === undefined || known.state === state) return;
    this.#change({ ...known, state }, happening);
  }

  /** From now on the others can have this node joined: they are told at once. */
  #placeTaken(): void {
    const { self, peers } = this.#context.transport;
    for (const peer of peers) this.#greet(peer);
    const own = this.#table.get(self.id);
    if (own !== undefined) this.#change({ ...own, node: self, joinOrder: this.#order.own }, { type: 'updated' });
  }

  #change(draft: Omit<Member, 'since'>, happening: Happening): void {
    const { clock, transport } = this.#context;
    // What is told of this node itself is no change that goes unannounced.
    if (draft.node.id !== transport.self.id) this.#refreshSelf();
    const known = this.#table.get(draft.node.id);
    const now = clock.now();
    const member: Member = { ...draft, since: known?.state === draft.state ? known.since : now };
    const view = this.#table.set(member, now);
    this.#forgetLeavers();
    this.#changes.publish({ ...happening, member, view });
  }

  /** Of those that the view has forgotten; unless they are still connected, and would join again. */
  #forgetLeavers(): void {
    for (const id of this.#leavers.keys()) {
      const isConnected = this.#context.transport.peer(id)?.state === 'connected';
      if (!isConnected && this.#table.get(id) === undefined) this.#leavers.delete(id);
    }
  }

  /** This node's own address is complete only once the transport has started. */
  #refreshSelf(): void {
    const { transport, clock } = this.#context;
    const own = this.#table.get(transport.self.id);
    if (own !== undefined && !sameNode(own.node, transport.self)) {
      this.#table.set({ ...own, node: transport.self }, clock.now());
    }
  }
}
