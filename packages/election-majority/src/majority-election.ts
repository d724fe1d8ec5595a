import {
  type CallOptions,
  type ClusterContext,
  ClusterError,
  type Electorate,
  foundersOf,
  Grant,
  type LeaderElection,
  type LeaderInfo,
  type Leadership,
  linkSignals,
  messageKind,
  type MonotonicMs,
  type NodeId,
  settleWithin,
  sleep,
  telemetryOf,
  throwIfAborted,
  type Timer,
  toClusterError,
} from '@quorate/core';
import { ElectionInstruments } from './election-instruments.ts';
import { DurableVote } from './durable-vote.ts';
import { nextElectorate, recordFor } from './electorate-change.ts';
import { HeldBack } from './held-back.ts';
import { Intake } from './intake.ts';
import { MajorityVote } from './majority-vote.ts';
import { encodeMessage } from './message-codec.ts';
import type { ElectionMessage } from './messages.ts';
import type { MajorityElectionSettings } from './options.ts';
import type { OutgoingMessage } from './outbox.ts';
import { ObservedLeader } from './observed-leader.ts';
import { rulesFingerprint } from './rules-fingerprint.ts';
import { leaseWithin } from './timings.ts';
import type { VoteRecord } from './vote-record.ts';

/** Election timeouts after which a hand-over is taken to have failed. */
const HAND_OVER_TIMEOUTS = 3;

interface Campaigner {
  resolve(leadership: Leadership): void;
  reject(error: ClusterError): void;
}

/** The shell around `MajorityVote`: it sends, stores, waits, and shows the grant. */
export class MajorityElection implements LeaderElection {
  readonly supports = { transfer: true } as const;
  readonly #context: ClusterContext;
  readonly #settings: MajorityElectionSettings;
  /** As configured, or as the cluster was founded. */
  readonly #electorate: Electorate;
  /** Carried by every message. */
  readonly #rules: number;
  readonly #durableVote: DurableVote;
  readonly #instruments: ElectionInstruments;
  readonly #observed = new ObservedLeader();
  readonly #campaigners = new Set<Campaigner>();
  readonly #closing = new AbortController();
  readonly #subscriptions: Disposable[] = [];
  readonly #intake: Intake;
  readonly #heldBack = new HeldBack();
  /** Undefined until started. */
  #vote: MajorityVote | undefined;
  #grant: Grant | undefined;
  #timer: { readonly due: MonotonicMs; readonly timer: Timer } | undefined;
  #settling = false;
  /** Of the record, when it was looked at last. */
  #seenVersion = 0;
  /** Whether an input has come since the last look at what follows from them. */
  #unsettled = false;
  /** Why it takes part no more: disposed, or a vote that could not be stored. */
  #ended: ClusterError | undefined;

  constructor(context: ClusterContext, settings: MajorityElectionSettings) {
    this.#context = context;
    this.#settings = settings;
    const { electorate, timings, maxClockDrift } = settings;
    this.#electorate = electorate === 'founders' ? { generation: 1, voters: foundersOf(context) } : electorate;
    this.#rules = rulesFingerprint({
      voters: this.#electorate.voters,
      promiseMs: timings.electionMinMs,
      maxClockDrift,
    });
    this.#intake = new Intake(context.logger, { generation: this.#electorate.generation, rules: this.#rules });
    this.#instruments = new ElectionInstruments(
      telemetryOf(context),
      () => context.self.id,
      () => this.#vote?.record,
    );
    this.#durableVote = new DurableVote(
      settings.volatileVotes ? undefined : context.storage?.records,
      (version) => this.#step((now, vote) => vote.recorded(version, now)),
      (error) => this.#end(error),
    );
  }

  get leader(): LeaderInfo | undefined {
    return this.#observed.current;
  }

  get leadership(): Leadership | undefined {
    return this.#grant;
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#throwIfEnded();
    throwIfAborted(options.signal, 'start');
    const stored = await this.#durableVote.read();
    const { timings, maxClockDrift, volatileVotes } = this.#settings;
    const electorate = nextElectorate(stored?.electorate, this.#electorate);
    const promiseMs = timings.electionMinMs;
    const record = recordFor(stored, electorate, promiseMs);
    await this.#outlastPromise(stored, promiseMs, options);
    const isNew = stored?.electorate.generation !== electorate.generation || stored.promiseMs !== promiseMs;
    if (isNew) await this.#durableVote.initialize(record);
    this.#throwIfEnded();
    const { self, clock, random } = this.#context;
    this.#vote = new MajorityVote(
      {
        self: self.id,
        electorate,
        rules: this.#rules,
        timings,
        leaseMs: leaseWithin(promiseMs, maxClockDrift),
        priority: this.#settings.priority,
        random,
        record,
        mayHavePromised: volatileVotes || stored !== undefined,
        durable: !volatileVotes,
      },
      clock.now(),
    );
    this.#listen();
  }

  /** A promise that was made under longer timings is waited out before they are forgotten. */
  async #outlastPromise(stored: VoteRecord | undefined, promiseMs: number, { signal }: CallOptions): Promise<void> {
    if (stored === undefined || stored.promiseMs <= promiseMs) return;
    using either = linkSignals(signal, this.#closing.signal);
    await sleep(this.#context.clock, stored.promiseMs, either);
  }

  async campaign(options: CallOptions = {}): Promise<Leadership> {
    this.#throwIfEnded();
    throwIfAborted(options.signal, 'campaign');
    const vote = this.#started();
    if (!vote.isVoter) throw new ClusterError('UNSUPPORTED', `${this.#context.self.id} is not one of the voters`);
    if (this.#grant?.isValid() === true) return this.#grant;
    return settleWithin<Leadership>(options.signal, 'campaign', (resolve, reject) => {
      const campaigner = { resolve, reject };
      this.#campaigners.add(campaigner);
      this.#step((now) => vote.stand(now));
      return () => {
        this.#campaigners.delete(campaigner);
        if (this.#grant === undefined) this.#withdrawIfNobodyCampaigns();
      };
    });
  }

  async resign(options: CallOptions = {}): Promise<void> {
    this.#throwIfEnded();
    throwIfAborted(options.signal, 'resign');
    const vote = this.#started();
    const before = this.#grant?.token;
    const successor = vote.successors[0];
    for (const campaigner of this.#campaigners) campaigner.reject(new ClusterError('ABORTED', 'campaign: resigned'));
    this.#step((now) => {
      vote.withdraw(now);
      vote.handOver(successor, now);
    });
    if (before === undefined || successor === undefined) return;
    await this.#nextLeader(before, options).catch((error: unknown) => {
      // It may be leaving as well: no reason for alarm.
      this.#context.logger.warn(
        `${successor} did not take over: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  }

  async transfer(to: NodeId, options: CallOptions = {}): Promise<void> {
    this.#throwIfEnded();
    throwIfAborted(options.signal, 'transfer');
    const vote = this.#started();
    const before = this.#grant;
    if (before?.isValid() !== true) {
      throw new ClusterError('NOT_LEADER', 'only the leader can transfer its leadership', {
        leader: this.#observed.current,
      });
    }
    if (to === this.#context.self.id) return;
    if (!vote.successors.includes(to)) {
      throw new ClusterError(
        'NOT_FOUND',
        `${to} is no candidate that can be reached: there is ${vote.successors.join(', ') || 'none'}`,
      );
    }
    this.#step((now) => vote.handOver(to, now));
    const leader = await this.#nextLeader(before.token, options);
    if (leader.nodeId !== to) throw new ClusterError('TIMEOUT', `${leader.nodeId} was elected before ${to}`);
  }

  watch(options: CallOptions = {}): AsyncIterable<LeaderInfo | undefined> {
    // A watch of what was disposed is over; one of what broke down says why.
    if (this.#ended?.code !== 'CLOSED') this.#throwIfEnded();
    return this.#observed.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const vote = this.#vote;
    // The grant ends first; then the voters are told, so that the next election need not wait for their promises.
    if (vote !== undefined && this.#ended === undefined) this.#step((now) => vote.handOver(undefined, now));
    this.#end(new ClusterError('CLOSED', 'the election was disposed'));
    this.#instruments[Symbol.dispose]();
  }

  #listen(): void {
    const { transport } = this.#context;
    const receive = (from: NodeId, payload: Uint8Array) => this.#receive(from, payload);
    const events = transport.watch({ signal: this.#closing.signal });
    this.#subscriptions.push(
      transport.onMessage(messageKind.HEARTBEAT, receive),
      transport.onMessage(messageKind.ELECTION, receive),
    );
    for (const peer of transport.peers) this.#followConnection(peer.node.id);
    void this.#followConnections(events);
    this.#step(() => undefined);
  }

  async #followConnections(events: ReturnType<ClusterContext['transport']['watch']>): Promise<void> {
    try {
      for await (const event of events) if ('peer' in event) this.#followConnection(event.peer.node.id);
    } catch (error) {
      this.#end(toClusterError(error, 'CLOSED', 'the transport ended'));
    }
  }

  #followConnection(id: NodeId): void {
    const connected = this.#context.transport.peer(id)?.state === 'connected';
    this.#step((now, vote) => (connected ? vote.peerConnected(id, now) : vote.peerLost(id, now)));
  }

  #receive(from: NodeId, payload: Uint8Array): void {
    const message = this.#intake.read(from, payload);
    if (message === undefined) return;
    this.#debug(from, '<-', message);
    this.#step((now, vote) => {
      if (vote.receive(from, message, now)) return;
      this.#intake.complain(`messages of ${from} with an impossible term are dropped`);
    });
  }

  /** One input to the state machine, and then everything that follows from it. */
  #step(input: (now: MonotonicMs, vote: MajorityVote) => void): void {
    const vote = this.#vote;
    if (vote === undefined || this.#ended !== undefined) return;
    input(this.#context.clock.now(), vote);
    this.#unsettled = true;
    // What follows may call back into this election: the outer call settles that too.
    if (this.#settling) return;
    this.#settling = true;
    try {
      while (this.#unsettled && this.#ended === undefined) this.#settle(vote);
    } finally {
      this.#settling = false;
    }
  }

  /** The order matters: a grant has ended before any message can help another one to begin. */
  #settle(vote: MajorityVote): void {
    this.#unsettled = false;
    this.#showGrant(vote);
    // Whoever was told of the grant may have disposed of this election.
    if (this.#ended === undefined) this.#observed.show(vote.leader);
    this.#durableVote.write(vote.recordVersion, vote.record);
    if (vote.recordVersion !== this.#seenVersion) {
      this.#seenVersion = vote.recordVersion;
      this.#instruments.voted(vote.record);
    }
    for (const ready of this.#heldBack.release(vote.takeMessages(), this.#durableVote.version)) this.#send(ready);
    this.#arm(vote);
  }

  #showGrant(vote: MajorityVote): void {
    const grant = this.#grant;
    if (grant !== undefined && BigInt(vote.leading?.term ?? -1) !== grant.token) {
      grant.end(whyEnded(grant));
    } else if (grant !== undefined && vote.leading !== undefined && !grant.renew(vote.leading.deadline)) {
      // It ran out since the clock was read for this step. A term has one grant: what renewed it came too late.
      vote.handOver(undefined, this.#context.clock.now());
    }
    const { leading } = vote;
    if (leading !== undefined && this.#grant === undefined) this.#beginGrant(leading.term, leading.deadline);
  }

  #beginGrant(term: number, deadline: MonotonicMs): void {
    const { clock, self, logger } = this.#context;
    const grant = new Grant(clock, { nodeId: self.id, token: BigInt(term), deadline }, (reason) => {
      this.#grant = undefined;
      logger.info(`no longer leader of term ${term}: ${reason.message}`);
      this.#withdrawIfNobodyCampaigns();
    });
    this.#grant = grant;
    logger.info(`leader of term ${term}`);
    this.#instruments.won();
    for (const campaigner of this.#campaigners) campaigner.resolve(grant);
  }

  #withdrawIfNobodyCampaigns(): void {
    if (this.#campaigners.size === 0) this.#step((now, vote) => vote.withdraw(now));
  }

  #send({ to, message }: OutgoingMessage): void {
    this.#debug(to, '->', message);
    const isHeartbeat = message.type === 'heartbeat' || message.type === 'heartbeat-ack';
    const kind = isHeartbeat ? messageKind.HEARTBEAT : messageKind.ELECTION;
    this.#context.transport.send(to, kind, encodeMessage(message));
  }

  /** One timer, set again only when something is due earlier than it. */
  #arm(vote: MajorityVote): void {
    const due = vote.nextTick;
    if (this.#ended !== undefined || due === Infinity || (this.#timer !== undefined && this.#timer.due <= due)) return;
    this.#timer?.timer.cancel();
    const { clock } = this.#context;
    const timer = clock.setTimer(Math.max(0, due - clock.now()), () => {
      this.#timer = undefined;
      this.#step((now) => vote.tick(now));
    });
    this.#timer = { due, timer };
  }

  #nextLeader(token: bigint, options: CallOptions): Promise<LeaderInfo> {
    const timeoutMs = HAND_OVER_TIMEOUTS * this.#settings.timings.electionMaxMs;
    return this.#observed.next(token, this.#context.clock, timeoutMs, options);
  }

  /** Takes part no more: nothing that was promised or stored can be relied on from here. */
  #end(reason: ClusterError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    if (reason.code !== 'CLOSED') this.#context.logger.error(`takes part no more: ${reason.message}`, reason);
    this.#closing.abort();
    this.#grant?.end(reason);
    for (const campaigner of this.#campaigners) campaigner.reject(reason);
    this.#timer?.timer.cancel();
    this.#heldBack.clear();
    this.#observed.end(reason);
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
  }

  #throwIfEnded(): void {
    if (this.#ended === undefined) return;
    const { code, message } = this.#ended;
    throw new ClusterError(code, message, { cause: this.#ended });
  }

  #started(): MajorityVote {
    if (this.#vote === undefined) throw new ClusterError('CLOSED', 'the election was not started');
    return this.#vote;
  }

  #debug(peer: NodeId, direction: string, message: ElectionMessage): void {
    if (!this.#context.debug.has('election')) return;
    this.#context.logger.debug(`${direction} ${peer} ${JSON.stringify(message)}`);
  }
}

/** A grant that ran out is told apart from one that ended while it was still good: for a newer term, or handed over. */
function whyEnded(grant: Grant): ClusterError {
  return grant.isValid()
    ? new ClusterError('NOT_LEADER', `the leadership of term ${grant.token} has ended`)
    : new ClusterError('QUORUM_LOST', `the grant ${grant.token} ended: it was not renewed in time`);
}
