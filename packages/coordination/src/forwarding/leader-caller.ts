import {
  Backoff,
  ClusterError,
  linkSignals,
  type MonotonicMs,
  type NodeId,
  randomId,
  sleep,
  telemetryOf,
  toClusterError,
} from '@quorate/core';
import { leaderOf, type Led, notLeader } from '../leading/led.ts';
import { decodeAnswer, encodeEnvelope, type ForwardedAnswer, type ForwardTarget } from './envelope.ts';
import type { ForwardCallOptions, ForwardSettings } from './forward-options.ts';
import type { Forwarder } from './forwarder.ts';
import type { ForwardingInstruments } from './forwarding-instruments.ts';
import type { LeaderService } from './leader-service.ts';

/** Between attempts while nobody is known to lead, or who was asked doesn't. */
const BACKOFF = { baseMs: 20, maxMs: 500 };
/** What is told as the term of a doubtful attempt whose leader's term isn't known: no leader has it. */
const SOME_TERM = 2n ** 64n - 1n;

/** Settings, and what is measured. */
type MeasuredSettings = ForwardSettings & { readonly instruments: ForwardingInstruments };

/** One request, from its first attempt to its answer. */
interface Journey {
  readonly id: string;
  readonly name: string;
  readonly payload: Uint8Array;
  readonly deadline: MonotonicMs;
  readonly signal: AbortSignal;
  /** Of the span that all of it is in. */
  readonly carrier: string | undefined;
  /** Who was named as leader by the node that was asked last. */
  hint: ForwardTarget | undefined;
  hops: number;
  /** The term of an attempt that may have been done; 0 for none. */
  doubt: bigint;
}

/** What the caller's side does: finds the leader, asks it, and goes on as long as nothing can have been done twice. */
export class LeaderCaller {
  readonly #self: NodeId;
  readonly #led: Led;
  readonly #forwarder: Forwarder;
  readonly #service: LeaderService;
  readonly #settings: MeasuredSettings;
  readonly #closing = new AbortController();
  readonly #journeys = new Set<Promise<Uint8Array>>();
  #isDraining = false;

  constructor(self: NodeId, led: Led, forwarder: Forwarder, service: LeaderService, settings: MeasuredSettings) {
    this.#self = self;
    this.#led = led;
    this.#forwarder = forwarder;
    this.#service = service;
    this.#settings = settings;
  }

  /** How many are not answered yet. */
  get pending(): number {
    return this.#journeys.size;
  }

  /** @throws ClusterError, with `outcome` */
  async call(name: string, input: unknown, options: ForwardCallOptions): Promise<unknown> {
    const { codec, maxBytes, maxInFlight } = this.#settings;
    const { timeoutMs = this.#settings.timeoutMs, requestId } = options;
    const payload = codec.encode(input);
    if (payload.byteLength > maxBytes) {
      throw overloaded(`${name}: a request of ${payload.byteLength} bytes, more than ${maxBytes}`);
    }
    if (this.#isDraining)
      throw new ClusterError('CLOSED', `${name}: forwarding was disposed of`, { outcome: 'not-applied' });
    if (this.#journeys.size >= maxInFlight)
      throw overloaded(`${name}: ${maxInFlight} requests of this node wait already`);
    using link = linkSignals(options.signal, this.#closing.signal);
    const { clock, random } = this.#led.system;
    const deadline = clock.now() + timeoutMs;
    const id = requestId ?? randomId(random);
    const attributes = { 'quorate.forwarding.handler': name };
    const span = telemetryOf(this.#led.system).startSpan('quorate.forward', { kind: 'client', attributes });
    const began = clock.now();
    const ticket: Journey = {
      id,
      name,
      payload,
      deadline,
      signal: link.signal,
      carrier: span.carrier,
      hint: undefined,
      hops: 0,
      doubt: 0n,
    };
    const journey = span.run(() => this.#travel(ticket));
    this.#journeys.add(journey);
    try {
      const answer = await journey;
      span.end();
      this.#settings.instruments.asked(name, true, clock.now() - began);
      return codec.decode(answer);
    } catch (error) {
      span.end(error);
      this.#settings.instruments.asked(name, false, clock.now() - began);
      throw error;
    } finally {
      this.#journeys.delete(journey);
    }
  }

  /** From here on nothing more is taken; resolves once nothing is under way. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.allSettled(this.#journeys);
  }

  close(): void {
    this.#closing.abort(new ClusterError('CLOSED', 'forwarding was disposed of'));
  }

  async #travel(journey: Journey): Promise<Uint8Array> {
    const backoff = new Backoff(this.#led.system.random, BACKOFF);
    for (;;) {
      this.#check(journey);
      const target = journey.hint ?? this.#leader();
      const answer = target === undefined ? undefined : await this.#attempt(target, journey);
      if (answer?.kind === 'answer') return answer.payload;
      if (answer?.kind === 'error') {
        // Of the own node, whose service has only been told to wait no longer.
        if (journey.signal.aborted && answer.outcome === 'unknown') this.#giveUp(journey);
        throw this.#failure(answer, journey);
      }
      if (this.#follow(answer?.leader, target, journey)) continue;
      const { clock } = this.#led.system;
      const pauseMs = Math.min(backoff.next(), Math.max(0, journey.deadline - clock.now()));
      await sleep(clock, pauseMs, { signal: journey.signal }).catch(() => undefined);
    }
  }

  /** Undefined where nothing was done, or where asking again does no harm. @throws ClusterError otherwise */
  async #attempt(target: ForwardTarget, journey: Journey): Promise<ForwardedAnswer | undefined> {
    const { clock, logger } = this.#led.system;
    const { id, name, payload, hops, doubt, signal, carrier } = journey;
    const remainingMs = Math.max(1, journey.deadline - clock.now());
    const known = this.#led.election.leader?.token ?? 0n;
    const token = target.token !== undefined && target.token > known ? target.token : known;
    const envelope = { id, name, token, hops, remainingMs, doubt, carrier, payload };
    try {
      if (target.nodeId === this.#self) return await this.#service.ask(envelope, signal);
      const timeoutMs = Math.min(remainingMs, this.#settings.attemptTimeoutMs);
      const bytes = await this.#forwarder.send(target, encodeEnvelope(envelope), { timeoutMs, signal });
      return decodeAnswer(bytes);
    } catch (cause) {
      const error = toClusterError(cause, 'DISCONNECTED', name);
      logger.debug(`forwarding: ${name} did not reach ${target.nodeId}: ${error.message}`);
      // From here on it may have been done, once: only who can tell may do it.
      if (error.outcome !== 'not-applied') journey.doubt = doubt === 0n ? token || SOME_TERM : doubt;
      return undefined;
    }
  }

  /** Whether another node was named that is worth asking at once. */
  #follow(leader: ForwardTarget | undefined, asked: ForwardTarget | undefined, journey: Journey): boolean {
    const isNew = leader !== undefined && leader.nodeId !== asked?.nodeId;
    const isFollowed = isNew && journey.hops < this.#settings.maxHops;
    journey.hint = isFollowed ? leader : undefined;
    journey.hops = isFollowed ? journey.hops + 1 : 0;
    return isFollowed;
  }

  #leader(): ForwardTarget | undefined {
    const { leader } = this.#led.election;
    return leader === undefined ? undefined : { nodeId: leader.nodeId, ...leaderOf(this.#led), token: leader.token };
  }

  /** @throws ClusterError always */
  #giveUp(journey: Journey): void {
    if (journey.doubt === 0n) journey.doubt = SOME_TERM;
    this.#check(journey);
  }

  /** @throws ClusterError when its time is over */
  #check({ name, deadline, signal, doubt }: Journey): void {
    const outcome = doubt === 0n ? 'not-applied' : 'unknown';
    if (this.#closing.signal.aborted) throw new ClusterError('CLOSED', `${name}: forwarding ended`, { outcome });
    if (signal.aborted)
      throw new ClusterError('ABORTED', `${name}: aborted by the caller`, { cause: signal.reason, outcome });
    if (this.#led.system.clock.now() < deadline) return;
    const leader = leaderOf(this.#led);
    const message = leader === undefined ? 'no leader was found in time' : `${leader.nodeId} did not answer in time`;
    const code = outcome === 'unknown' ? 'TIMEOUT' : 'NOT_LEADER';
    throw new ClusterError(code, `${name}: ${message}`, { leader, outcome, cause: notLeader(this.#led, name) });
  }

  /** What the leader, or its handler, has said. Where an earlier attempt is in doubt, so is the whole. */
  #failure({ code, message, outcome }: Extract<ForwardedAnswer, { kind: 'error' }>, { doubt }: Journey): ClusterError {
    const isInDoubt = doubt !== 0n && outcome === 'not-applied';
    return new ClusterError(code, message, { outcome: isInDoubt ? 'unknown' : outcome, leader: leaderOf(this.#led) });
  }
}

function overloaded(message: string): ClusterError {
  return new ClusterError('OVERLOADED', message, { outcome: 'not-applied' });
}
