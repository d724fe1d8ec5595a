import {
  Broadcast,
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type LeaderElection,
  type LeaderInfo,
  type Leadership,
  messageKind,
  type NodeId,
  settleWithin,
  throwIfAborted,
  toClusterError,
  withDeadline,
} from '@quorate/core';
import {
  type GroupChoice,
  type GroupUse,
  type HasMembers,
  type RaftGroup,
  type RaftMembers,
  type SharedGroup,
  sharedGroup,
} from '@quorate/raft-host';
import { type Announcement, decodeAnnouncement, encodeAnnouncement } from './announcement.ts';
import { RaftLeadership } from './raft-leadership.ts';

const OWNER = 'election-raft';
/** Election times after which a hand-over is taken to have failed. */
const HAND_OVER_TIMES = 5;
/** Election times for which a leader without a lease goes on hoping for one. */
const LEASELESS_TIMES = 3;
/** Peers that are remembered. */
const MAX_PEERS = 1024;

interface Campaigner {
  resolve(leadership: Leadership): void;
  reject(error: ClusterError): void;
}

/** The leader of a Raft group, if it stands for election, for as long as its lease holds. */
export class RaftElection implements LeaderElection, HasMembers {
  readonly supports = { transfer: true } as const;
  readonly #context: ClusterContext;
  readonly #settings: GroupChoice;
  readonly #shared: SharedGroup;
  readonly #closing = new AbortController();
  readonly #leaders = new Broadcast<LeaderInfo | undefined>(1);
  readonly #campaigners = new Set<Campaigner>();
  readonly #subscriptions: Disposable[] = [];
  /** What others said last. */
  readonly #announced = new Map<NodeId, Announcement>();
  #group: RaftGroup<never, never, never, never> | undefined;
  #leadership: RaftLeadership | undefined;
  #observed: LeaderInfo | undefined;
  /** As announced last. */
  #own: Announcement = { stands: false, token: 0, sequence: 0 };
  /** When all were told last. */
  #toldAt = -Infinity;
  /** Of the last grant: one token is one grant. */
  #lastToken = 0;
  /** In which a lease was asked for. */
  #hastenedTerm = 0;
  /** Since when this node leads the group without a lease; undefined when it doesn't. */
  #leaselessSince: number | undefined;
  #disposing: Promise<void> | undefined;

  constructor(context: ClusterContext, use: GroupUse<never, never, never, never>) {
    this.#context = context;
    this.#settings = use.settings;
    this.#shared = sharedGroup(context);
    this.#shared.join(use);
  }

  get raftMembers(): RaftMembers {
    this.#throwIfClosed();
    return this.#started().members;
  }

  get leader(): LeaderInfo | undefined {
    return this.#observed;
  }

  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'start');
    const group = await this.#shared.start<never, never, never, never>();
    this.#throwIfClosed();
    this.#group = group;
    const { transport } = this.#context;
    const events = transport.watch({ signal: this.#closing.signal });
    this.#subscriptions.push(
      group.users.keepAwake(),
      group.users.onTurn(() => this.#settle()),
      group.users.prefer((nodeId) => (this.#stands(nodeId) ? 1 : 0)),
      transport.onMessage(messageKind.ELECTION, (from, payload) => this.#heard(from, decodeAnnouncement(payload))),
    );
    for (const { node } of transport.peers) this.#tell(node.id);
    void this.#follow(events);
  }

  async campaign(options: CallOptions = {}): Promise<Leadership> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'campaign');
    const group = this.#started();
    if (!this.#isVoter()) throw new ClusterError('UNSUPPORTED', `${this.#self} is not one of the voters`);
    if (this.#leadership?.isValid() === true) return this.#leadership;
    return settleWithin<Leadership>(options.signal, 'campaign', (resolve, reject) => {
      const campaigner = { resolve, reject };
      this.#campaigners.add(campaigner);
      this.#settle();
      if (group.status.leader === undefined) group.campaign();
      return () => {
        this.#campaigners.delete(campaigner);
        this.#settle();
      };
    });
  }

  async resign(options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'resign');
    const group = this.#started();
    const before = this.#leadership?.token;
    for (const each of this.#campaigners) each.reject(new ClusterError('ABORTED', 'campaign: resigned'));
    this.#campaigners.clear();
    this.#end(new ClusterError('CLOSED', 'the leader resigned'));
    const successor = group.successors().find((nodeId) => this.#stands(nodeId));
    this.#settle();
    if (before === undefined || successor === undefined) return;
    group.transferLeader(successor);
    await this.#nextLeader(before, options).catch((error: unknown) => {
      throwIfAborted(options.signal, 'resign');
      // It may be leaving as well: no reason for alarm.
      const { message } = toClusterError(error, 'TIMEOUT', 'hand over');
      this.#context.logger.warn(`${successor} did not take over: ${message}`);
    });
  }

  async transfer(to: NodeId, options: CallOptions = {}): Promise<void> {
    this.#throwIfClosed();
    throwIfAborted(options.signal, 'transfer');
    const group = this.#started();
    const before = this.#leadership;
    if (before?.isValid() !== true) {
      throw new ClusterError('NOT_LEADER', 'only the leader can transfer its leadership', { leader: this.#observed });
    }
    if (to === this.#self) return;
    const candidates = group.successors().filter((nodeId) => this.#stands(nodeId));
    if (!candidates.includes(to)) {
      const there = candidates.join(', ') || 'none';
      throw new ClusterError('NOT_FOUND', `${to} is no candidate that can be reached: there is ${there}`);
    }
    group.transferLeader(to);
    const leader = await this.#nextLeader(before.token, options);
    if (leader.nodeId !== to) throw new ClusterError('TIMEOUT', `${leader.nodeId} was elected before ${to}`);
  }

  watch(options: CallOptions = {}): AsyncIterable<LeaderInfo | undefined> {
    return this.#leaders.watch(options, [this.#observed]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    const error = new ClusterError('CLOSED', 'the election was disposed');
    const group = this.#group;
    // The grant ends first; then another takes over at once where one can.
    this.#end(error);
    const successor = group?.successors().find((nodeId) => this.#stands(nodeId));
    if (group !== undefined && successor !== undefined) group.transferLeader(successor);
    this.#closing.abort(error);
    for (const each of this.#campaigners) each.reject(error);
    this.#campaigners.clear();
    group?.users.stand(this, false);
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    this.#leaders[Symbol.dispose]();
    await this.#shared.leave();
  }

  get #self(): NodeId {
    return this.#context.self.id;
  }

  #isVoter(): boolean {
    const { phase, members } = this.#started().status;
    if (phase === 'removed') return false;
    if (phase !== 'running') return this.#shared.voters.includes(this.#self);
    return members.length === 0 || members.some(({ nodeId, wants }) => nodeId === this.#self && wants === 'voter');
  }

  #stands(nodeId: NodeId): boolean {
    return nodeId === this.#self ? this.#own.stands : this.#announced.get(nodeId)?.stands === true;
  }

  /** Draws the consequences of whatever has happened. */
  #settle(): void {
    const group = this.#group;
    if (group === undefined || this.#closing.signal.aborted) return;
    this.#checkGrant(group);
    const stands = this.#campaigners.size > 0 || this.#leadership !== undefined;
    group.users.stand(this, stands);
    this.#announce(stands, Number(this.#leadership?.token ?? 0n));
    this.#leaveToOthers(group, stands);
    this.#observe(group);
  }

  #checkGrant(group: RaftGroup<never, never, never, never>): void {
    const ended = this.#leadership?.check();
    if (ended !== undefined) this.#end(ended);
    if (this.#leadership !== undefined || this.#campaigners.size === 0) return;
    const { term, leaseUntil } = group.lease();
    if (term <= this.#lastToken) return;
    if (leaseUntil > this.#context.clock.now()) this.#begin(group, term);
    else this.#hasten(group, term);
  }

  /** The followers' next answer makes the lease, and without a read they would be asked with the next heartbeat only. */
  #hasten(group: RaftGroup<never, never, never, never>, term: number): void {
    if (this.#hastenedTerm === term) return;
    this.#hastenedTerm = term;
    group.reads.barrier({ timeoutMs: this.#settings.timings.electionMs }).catch(() => undefined);
  }

  #begin(group: RaftGroup<never, never, never, never>, term: number): void {
    const { clock } = this.#context;
    this.#lastToken = term;
    this.#leadership = new RaftLeadership({
      nodeId: this.#self,
      token: BigInt(term),
      now: () => clock.now(),
      leaseUntil: () => {
        const lease = group.lease();
        return lease.term === term ? lease.leaseUntil : -Infinity;
      },
    });
    const grant = this.#leadership;
    const waiting = [...this.#campaigners];
    this.#campaigners.clear();
    for (const each of waiting) each.resolve(grant);
  }

  #end(reason: ClusterError): void {
    const held = this.#leadership;
    this.#leadership = undefined;
    held?.end(reason);
  }

  /** A leader of the group that doesn't stand, or can't get a lease in this term, makes room. */
  #leaveToOthers(group: RaftGroup<never, never, never, never>, stands: boolean): void {
    const { role } = group.status;
    if (role !== 'leader' || this.#leadership !== undefined) {
      this.#leaselessSince = undefined;
      return;
    }
    if (!stands) {
      // With others who need a leader, whoever stands takes over by preference.
      if (!group.users.isStanding) group.stepDown();
      return;
    }
    const now = this.#context.clock.now();
    this.#leaselessSince ??= now;
    if (now - this.#leaselessSince < LEASELESS_TIMES * this.#settings.timings.electionMs) return;
    this.#leaselessSince = undefined;
    group.stepDown();
  }

  #observe(group: RaftGroup<never, never, never, never>): void {
    const leader = this.#whoLeads(group);
    if (leader?.nodeId === this.#observed?.nodeId && leader?.token === this.#observed?.token) return;
    this.#observed = leader;
    this.#leaders.publish(leader);
  }

  #whoLeads(group: RaftGroup<never, never, never, never>): LeaderInfo | undefined {
    if (this.#leadership !== undefined) return { nodeId: this.#self, token: this.#leadership.token };
    const { phase, term, leader } = group.status;
    let newest: LeaderInfo | undefined;
    for (const [nodeId, { token }] of this.#announced) {
      // A member knows better which term it is, and who leads in it.
      const isOver = phase === 'running' && (token !== term || leader !== nodeId);
      if (token === 0 || isOver || (newest !== undefined && newest.token > BigInt(token))) continue;
      newest = { nodeId, token: BigInt(token) };
    }
    return newest;
  }

  /** When it changes; and now and then all the same, since any message may be lost. */
  #announce(stands: boolean, token: number): void {
    const now = this.#context.clock.now();
    const isNew = stands !== this.#own.stands || token !== this.#own.token;
    if (!isNew && now - this.#toldAt < this.#settings.timings.electionMs) return;
    this.#toldAt = now;
    this.#own = { stands, token, sequence: this.#own.sequence + 1 };
    for (const { node } of this.#context.transport.peers) this.#tell(node.id);
  }

  #tell(nodeId: NodeId): void {
    this.#context.transport.send(nodeId, messageKind.ELECTION, encodeAnnouncement(this.#own));
  }

  #heard(from: NodeId, announcement: Announcement): void {
    const known = this.#announced.get(from);
    if (known === undefined ? this.#announced.size >= MAX_PEERS : known.sequence > announcement.sequence) return;
    this.#announced.set(from, announcement);
    this.#settle();
  }

  async #follow(events: ReturnType<ClusterContext['transport']['watch']>): Promise<void> {
    for await (const event of events) {
      // Another connection may be to another run of the node, which counts from the beginning.
      if ('peer' in event) this.#announced.delete(event.peer.node.id);
      if (event.type === 'connected') this.#tell(event.peer.node.id);
      this.#settle();
    }
  }

  /** The first leader of a later grant that this node hears of. */
  #nextLeader(after: bigint, options: CallOptions): Promise<LeaderInfo> {
    const { clock } = this.#context;
    const timeoutMs = HAND_OVER_TIMES * this.#settings.timings.electionMs;
    return withDeadline(
      clock,
      timeoutMs,
      'the hand-over',
      async (signal) => {
        for await (const leader of this.watch({ signal }))
          if (leader !== undefined && leader.token > after) return leader;
        throw new ClusterError('CLOSED', 'the election was disposed');
      },
      options,
    );
  }

  #started(): RaftGroup<never, never, never, never> {
    if (this.#group === undefined) throw new ClusterError('CLOSED', `${OWNER} is not started`);
    return this.#group;
  }

  #throwIfClosed(): void {
    if (this.#disposing !== undefined) throw new ClusterError('CLOSED', `${OWNER} is disposed`);
  }
}
