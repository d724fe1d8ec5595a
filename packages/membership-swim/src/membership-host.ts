import {
  type CallOptions,
  ClusterError,
  type ClusterNode,
  describedNode,
  formatAddress,
  guardedCall,
  introduceAs,
  type Member,
  type Membership,
  type MembershipChange,
  type MembershipContext,
  type MembershipView,
  type MonotonicMs,
  type NodeDescription,
  type NodeId,
  type Peer,
  type RefusedDatagram,
  sameNode,
  telemetryOf,
  throwIfAborted,
  type TransportEvent,
} from '@quorate/core';

import { Connector } from './connector.ts';
import type { Party } from './datagram/party.ts';
import { Departure } from './departure.ts';
import type { ExchangeItem } from './exchange/exchange-codec.ts';
import { Exchanger } from './exchange/exchanger.ts';
import { GossipTopics } from './gossip-topics.ts';
import { Meetings } from './meetings.ts';
import { MembersView } from './members-view.ts';
import type { SwimMembershipSettings } from './options.ts';
import { PacketWire } from './packet-wire.ts';
import { decodeStates, encodeStates } from './protocol/exchange-codec.ts';
import { checkNodeBytes } from './protocol/state-codec.ts';
import { Swim } from './protocol/swim.ts';
import type { IdConflict, MemberRecord, SwimChange, SwimHost } from './protocol/types.ts';
import { RateLimitedLog } from './rate-limited-log.ts';
import { SwimInstruments } from './swim-instruments.ts';
import { NO_PROTOCOL_STATS, type SwimMembershipStats } from './stats.ts';
import { StreamProbes } from './stream-probes.ts';
import { SwimRunner } from './swim-runner.ts';

/** How often it is looked after what no event tells. */
const ROUND_MS = 1000;
/** How often it is looked whether the transport knows its address by now. */
const BEGIN_MS = 20;
/** Clusters that form by hundreds are not to dial each other for the moment in which they are few. */
const CONNECT_AT_ONCE = 16;
const STATES_BYTES = 16 * 1024;

/** Hosts the protocol's machine: gives it time, packets, streams, and others to exchange with. */
export class SwimMembershipHost implements Membership {
  readonly contacts: Connector;
  readonly carrier: GossipTopics;
  readonly #context: MembershipContext;
  readonly #settings: SwimMembershipSettings;
  readonly #log: RateLimitedLog;
  readonly #view: MembersView;
  readonly #runner: SwimRunner;
  readonly #wire: PacketWire;
  readonly #exchanger: Exchanger;
  readonly #meetings: Meetings;
  readonly #probes: StreamProbes;
  readonly #departure: Departure;
  readonly #closed = new AbortController();
  readonly #refusalListeners = new Set<(refused: RefusedDatagram) => void>();
  readonly #instruments: SwimInstruments;
  #started = false;
  /** The table has changed since the connector looked at it. */
  #isStale = true;
  #conflicts = 0;

  constructor(context: MembershipContext, settings: SwimMembershipSettings) {
    const { clock, logger, transport, random } = context;
    this.#context = context;
    this.#settings = settings;
    const log = new RateLimitedLog(clock, logger);
    this.#log = log;
    this.#view = new MembersView(this.#describeSelf());
    this.#runner = new SwimRunner({
      clock,
      round: (now) => this.#round(now),
      settled: () => this.#settled(),
      failed: (error) => logger.error(`membership-swim: the protocol failed: ${String(error)}`, error),
    });
    this.#instruments = new SwimInstruments(telemetryOf(context), () => this.stats);
    this.carrier = this.#makeCarrier();
    this.#wire = new PacketWire({
      context,
      settings,
      log,
      accepts: (sender) => this.#accepts(sender),
      received: (packet, address) => this.#runner.enter((swim, now) => swim.receive(packet, address, now)),
      refused: (refused) => this.#tellRefused(refused),
    });
    const swim = () => this.#runner.swim;
    const members = () => swim()?.members.values() ?? [];
    const connector = new Connector({
      transport,
      clock,
      random,
      settings: { ...settings, connectTo: (node) => this.#connectsTo(node) },
      members,
      size: () => swim()?.size ?? 1,
    });
    this.contacts = connector;
    const exchanger = this.#makeExchanger();
    this.#exchanger = exchanger;
    const closed = this.#closed.signal;
    this.#meetings = new Meetings({ context, settings, connector, exchanger, log, closed, swim });
    const isOnNetwork = settings.datagrams === 'udp';
    this.#probes = new StreamProbes({ context, connector, exchanger, isOnNetwork, closed });
    this.#departure = new Departure({ clock, runner: this.#runner, timeoutMs: settings.leaveTimeoutMs, closed });
  }

  get view(): MembershipView {
    this.#begin();
    return this.#view.view;
  }

  get stats(): SwimMembershipStats {
    const { swim, loopDelayMs } = this.#runner;
    const { unreadable, refused, ...datagrams } = this.#wire.counts;
    return {
      protocol: swim?.stats ?? NO_PROTOCOL_STATS,
      localHealth: swim?.localHealth ?? 0,
      loopDelayMs,
      size: swim?.size ?? 1,
      datagrams: { ...datagrams, refused: { ...refused, ...(unreadable > 0 && { unreadable }) } },
      exchanges: { ...this.#exchanger.counts },
      conflicts: this.#conflicts,
    };
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    throwIfAborted(options.signal, 'membership-swim: start');
    if (this.#started) return;
    this.#started = true;
    const events = this.#context.transport.watch({ signal: this.#closed.signal });
    await this.#wire.bind();
    this.#checkOpen();
    void this.#follow(events);
    this.#runner.roundAt(this.#context.clock.now());
  }

  async leave(options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    throwIfAborted(options.signal, 'membership-swim: leave');
    await this.#departure.leave(options);
  }

  describe(description: NodeDescription): void {
    this.#checkOpen();
    const { transport } = this.#context;
    if (this.#departure.hasBegun) throw new ClusterError('CLOSED', 'membership-swim: this node leaves');
    this.#begin();
    if (this.#runner.swim === undefined)
      throw new ClusterError('CLOSED', 'membership-swim: the transport must run first');
    checkNodeBytes(describedNode(transport.self, description));
    introduceAs(transport, description);
    this.#runner.enter((swim, now) => swim.describe(transport.self, now));
  }

  onRefused(told: (refused: RefusedDatagram) => void): Disposable {
    const own = (refused: RefusedDatagram) => told(refused);
    this.#refusalListeners.add(own);
    return { [Symbol.dispose]: () => void this.#refusalListeners.delete(own) };
  }

  watch(options: CallOptions = {}): AsyncIterable<MembershipChange> {
    return this.#view.watch(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new ClusterError('CLOSED', 'membership-swim: disposed'));
    this.#instruments[Symbol.dispose]();
    this.#runner[Symbol.dispose]();
    this.#exchanger[Symbol.dispose]();
    this.contacts[Symbol.dispose]();
    this.#view[Symbol.dispose]();
    await this.#wire[Symbol.asyncDispose]();
  }

  /** Makes the machine as soon as this node knows its own address: others must be told one that they can send to. */
  #begin(): void {
    const { transport, random, incarnation } = this.#context;
    const isReady = this.#started && transport.self.port !== 0 && !this.#closed.signal.aborted;
    if (this.#runner.swim !== undefined || !isReady || this.#wire.address.port === 0) return;
    const settings = { ...this.#settings.swim, maxPacketBytes: this.#wire.maxPacketBytes };
    const self = { node: transport.self, incarnation, address: this.#wire.address };
    const swim = new Swim({ settings, self, random, host: this.#makeHost() });
    this.#runner.run(swim);
    this.#view.replace(swim.members);
    this.contacts.update();
    for (const peer of transport.peers) if (peer.state === 'connected') this.#meetings.connected(peer);
  }

  #round(now: MonotonicMs): void {
    this.#begin();
    if (this.#runner.swim === undefined) {
      this.#runner.roundAt(now + BEGIN_MS);
      return;
    }
    // First: whatever one round comes to, there is a next one.
    this.#runner.roundAt(now + ROUND_MS);
    if (!this.#departure.hasBegun) this.#meetings.round(now);
    this.contacts.update();
  }

  /** Few members are connected as soon as they are known; of more, those of the last second, or none if they are too many. */
  #settled(): void {
    if (!this.#isStale || (this.#runner.swim?.size ?? 1) > CONNECT_AT_ONCE) return;
    this.#isStale = false;
    this.contacts.update();
  }

  async #follow(events: AsyncIterable<TransportEvent>): Promise<void> {
    for await (const event of events) {
      if (this.#closed.signal.aborted) return;
      this.#begin();
      if (event.type === 'connected') this.#connected(event.peer);
      else if (event.type === 'disconnected' && event.reason === 'goodbye') this.#saidGoodbye(event.peer);
      else if (event.type === 'disconnected' && event.reason !== 'local' && event.reason !== 'released')
        this.#lost(event.peer);
    }
  }

  #connected(peer: Peer): void {
    this.contacts.connected(peer.node);
    if (!this.#departure.hasBegun) this.#meetings.connected(peer);
  }

  /** It stops, and has told nobody but those that it is connected with. */
  #saidGoodbye({ node: { id }, incarnation }: Peer): void {
    this.#runner.enter((swim, now) => {
      const known = swim.members.get(id);
      if (known?.incarnation !== incarnation || known.state === 'left') return;
      const { evidence: _evidence, ...state } = known;
      swim.merge([{ ...state, state: 'left' }], id, now);
    });
  }

  /** A connection ends when a process dies: it is looked at once. */
  #lost({ node: { id }, incarnation }: Peer): void {
    this.#runner.enter((swim, now) => {
      if (swim.members.get(id)?.incarnation === incarnation) swim.examine(id, now);
    });
  }

  #makeHost(): SwimHost {
    return {
      send: (to, packet) => this.#wire.send(to, packet),
      probeStream: (to, sequence, timeoutMs) => void this.#probeStream(to, sequence, timeoutMs),
      changed: (change) => {
        this.#isStale = true;
        if (change.type === 'left' || change.type === 'forgotten') this.contacts.forget(change.member.node);
        const members = this.#runner.swim?.members;
        if (members === undefined) return;
        if (this.#isNews(change)) this.#view.tell(members, change);
        else this.#view.replace(members);
      },
      conflict: (conflict) => this.#conflicted(conflict),
      refused: (reason, id) => this.#log.warn(reason, `${id} was not taken in: ${reason}`),
      rumour: (topic, payload) => this.carrier.hear(topic, payload),
      loopDelayMs: () => this.#runner.loopDelayMs,
      probed: (roundTripMs) => this.#instruments.roundTrip.record(roundTripMs / 1000),
      leaveAcknowledged: () => this.#departure.acknowledged(),
    };
  }

  /** What this node says of itself is none to it, unless the program has it say so. */
  #isNews({ member: { id, node } }: SwimChange): boolean {
    if (id !== this.#context.self.id) return true;
    const shown = this.#view.view.members.get(id);
    return shown !== undefined && !sameNode(shown.node, node);
  }

  /** The program's own: what it throws must not end what asks it. */
  #connectsTo(node: ClusterNode): boolean {
    try {
      return this.#settings.connectTo(node);
    } catch (error) {
      this.#log.warn('connectTo', `connectTo threw, and nobody is connected for it: ${String(error)}`, error);
      return false;
    }
  }

  #conflicted({ id, holder, claimant }: IdConflict): void {
    this.#conflicts += 1;
    const [here, there] = [formatAddress(holder), formatAddress(claimant)];
    const message = `the node id ${id} lives at ${here} and cannot also be at ${there}`;
    this.#log.warn(`conflict ${id}`, message);
  }

  async #probeStream(to: MemberRecord, sequence: number, timeoutMs: number): Promise<void> {
    const outcome = await this.#probes.probe(to, timeoutMs);
    if (outcome === undefined) return;
    this.#runner.enter((swim, now) => swim.streamProbed(sequence, outcome, now));
    // Datagrams may not get through to it: then it hears over the transport that it is suspected, and says otherwise.
    if (outcome === 'acknowledged') this.#meetings.answered(to.id);
  }

  /** Not an earlier run of a node that lives in a later one; unless the transport knows better. */
  #accepts({ id, run }: Party): boolean {
    const known = this.#runner.swim?.members.get(id);
    if (known === undefined || run >= known.incarnation) return true;
    const isThere = known.state === 'alive' || known.state === 'suspect';
    return !isThere || this.#context.transport.peer(id)?.incarnation === run;
  }

  #makeExchanger(): Exchanger {
    const { transport, random, clock } = this.#context;
    return new Exchanger({
      transport,
      clock,
      random,
      capture: (to) => this.#capture(to),
      receiver: (from) => ({
        states: (bytes) => this.#merge(bytes, from, clock.now()),
        wants: (topic) => this.carrier.wants(topic),
        topic: (topic, bytes) => this.carrier.merge(topic, bytes),
      }),
    });
  }

  *#capture(to: NodeId): Generator<ExchangeItem, void> {
    const states = this.#runner.swim?.capture(to) ?? [];
    for (const bytes of encodeStates(states, STATES_BYTES)) yield { type: 'states', bytes };
    yield* this.carrier.capture();
  }

  #merge(bytes: Uint8Array, from: NodeId, now: MonotonicMs): void {
    const states = decodeStates(bytes);
    if (states === undefined) this.#log.warn('states', `the members that ${from} knows cannot be read`);
    else this.#runner.enter((swim) => swim.merge(states, from, now));
  }

  #makeCarrier(): GossipTopics {
    const runner = this.#runner;
    const spreader = {
      get size(): number {
        return runner.swim?.size ?? 1;
      },
      spread: (topic: number, payload: Uint8Array, key: string | undefined) => {
        // From within a rumour's handler it is spread when the handler has returned: whether it can be isn't known yet.
        let isSpread = runner.isInside;
        runner.enter((swim, now) => {
          isSpread = swim.spread(topic, payload, now, key);
        });
        return isSpread;
      },
      tell: (to: NodeId, topic: number, payload: Uint8Array) => this.#tell(to, topic, payload),
    };
    return new GossipTopics(spreader, this.#log);
  }

  #tell(to: NodeId, topic: number, payload: Uint8Array): boolean {
    const { swim } = this.#runner;
    if (swim === undefined || this.#closed.signal.aborted) return false;
    if (to !== swim.self.id) return swim.tell(to, topic, payload);
    this.carrier.hear(topic, payload);
    return true;
  }

  #tellRefused(refused: RefusedDatagram): void {
    const { logger } = this.#context;
    const failed = (error: unknown) => logger.error('membership-swim: who is told of refusals threw', error);
    for (const told of this.#refusalListeners) guardedCall(() => told(refused), failed);
  }

  #describeSelf(): Member {
    const { transport, incarnation, clock } = this.#context;
    return { node: transport.self, state: 'alive', incarnation, since: clock.now() };
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw new ClusterError('CLOSED', 'membership-swim: disposed');
  }
}
