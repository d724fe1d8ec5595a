import { ClusterError, type System } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';

import { readEngineOptions } from '../../src/engine-options.ts';
import type { EtcdEngine } from '../../src/etcd-engine.ts';
import type { MemberConnection } from '../../src/member-connection.ts';
import type { MemberSet } from '../../src/member-set.ts';
import { SharingClient } from '../../src/sharing-client.ts';
import { EtcdModel, type ModelRange, type ModelTransaction } from './etcd-model.ts';

/** It looks twice a second which leases are over; more often here, so that nobody leans on that. */
const EXPIRY_MS = 20;
const UNAVAILABLE = 14;

interface Events {
  answer(answer: unknown): void;
  end(error: unknown): void;
}

/** An etcd of one member in a simulated world, which the client of production asks by its own messages. */
export class SimulatedEtcd {
  readonly model: EtcdModel;
  readonly #world: World;
  /** Nodes that neither are heard nor hear. */
  readonly #cut = new Set<string>();
  readonly #streams = new Set<Stream>();
  #stalledUntil = 0;

  /** @param drift how much faster than true time its clock runs */
  constructor(world: World, drift: number) {
    this.#world = world;
    this.model = new EtcdModel(() => world.now * (1 + drift));
    this.#expireAgain();
  }

  cut(host: string): void {
    this.#cut.add(host);
  }

  heal(host: string): void {
    this.#cut.delete(host);
  }

  reaches(host: string): boolean {
    return !this.#cut.has(host);
  }

  /** It hangs, and goes on later where it was. */
  stall(ms: number): void {
    this.#stalledUntil = this.#world.now + ms;
  }

  restart(): void {
    this.model.extendLeases();
    for (const stream of this.#streams) stream.end();
  }

  /** How long what is sent now is under way, what it waits for included. */
  delay(): number {
    const { random, now } = this.#world;
    const slow = this.#world.chance(0.02) ? random.next() * 800 : 0;
    return Math.max(0, this.#stalledUntil - now) + 0.2 + random.next() * 5 + slow;
  }

  after(ms: number, step: () => void): void {
    this.#world.after(ms, step);
  }

  /** The answer of it is lost now and then. */
  loses(): boolean {
    return this.#world.chance(0.02);
  }

  keep(stream: Stream): void {
    this.#streams.add(stream);
  }

  drop(stream: Stream): void {
    this.#streams.delete(stream);
  }

  /** As a node on this host sees it. */
  engine(host: Host): EtcdEngine {
    const settings = readEngineOptions({ endpoints: ['http://10.0.0.1:2379'], timeoutMs: 2_000, memberTimeoutMs: 500 });
    const open = ({ clock, random }: Pick<System, 'clock' | 'random'>) => {
      const members = new OneMember(new SimulatedMember(this, host)) as unknown as MemberSet;
      return new SharingClient({ clock, random, settings, members }, () => undefined);
    };
    return { place: 'simulated', open };
  }

  #expireAgain(): void {
    this.#world.after(EXPIRY_MS, () => {
      if (this.#world.now >= this.#stalledUntil) this.model.expire();
      this.#expireAgain();
    });
  }
}

class SimulatedMember {
  readonly name = 'simulated';
  readonly #etcd: SimulatedEtcd;
  readonly #host: Host;

  constructor(etcd: SimulatedEtcd, host: Host) {
    this.#etcd = etcd;
    this.#host = host;
  }

  call(name: string, request: unknown, { signal }: { readonly signal: AbortSignal }): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    signal.addEventListener('abort', () => reject(new ClusterError('ABORTED', 'given up')), { once: true });
    const back = path(this.#etcd, this.#host);
    this.#etcd.after(this.#etcd.delay(), () => {
      if (!this.#etcd.reaches(this.#host.name)) return;
      const answer = answerOf(this.#etcd.model, name, request);
      if (!this.#etcd.loses()) back(() => ('error' in answer ? reject(answer.error) : resolve(answer.value)));
    });
    return promise;
  }

  stream(name: string, events: Events): Promise<{ send(request: unknown): void; close(): void }> {
    const stream = new Stream(this.#etcd, this.#host, events);
    this.#etcd.keep(stream);
    const send = (request: unknown) => {
      this.#etcd.after(this.#etcd.delay(), () => {
        if (!this.#etcd.reaches(this.#host.name)) stream.silence();
        else if (name === 'leaseKeepAlive') {
          stream.tell({ TTL: String(this.#etcd.model.keepAlive((request as { ID: string }).ID)) });
        } else stream.asked(request as WatchRequest);
      });
    };
    return Promise.resolve({ send, close: () => stream.close() });
  }
}

interface WatchRequest {
  readonly create_request?: ModelRange & { readonly start_revision: string };
  readonly progress_request?: object;
}

/** What the member tells on one stream, in order. */
class Stream {
  readonly #etcd: SimulatedEtcd;
  readonly #host: Host;
  readonly #events: Events;
  readonly #back: (step: () => void) => void;
  #watched: Disposable | undefined;
  #isOpen = true;
  /** Something was lost, so that nothing comes any more, though nobody says so. */
  #isSilent = false;
  #sent = 0;
  #delivered = 0;

  constructor(etcd: SimulatedEtcd, host: Host, events: Events) {
    this.#etcd = etcd;
    this.#host = host;
    this.#events = events;
    this.#back = path(etcd, host);
  }

  asked({ create_request: create, progress_request: progress }: WatchRequest): void {
    const { model } = this.#etcd;
    const about = { header: model.header, events: [], created: false, canceled: false, compact_revision: '0' };
    if (progress !== undefined) this.tell(about);
    if (create === undefined) return;
    let next = Number(create.start_revision);
    if (next <= model.compacted) {
      this.tell({ ...about, canceled: true, compact_revision: String(model.compacted + 1) });
      return;
    }
    this.tell({ ...about, created: true });
    const catchUp = () => {
      const events = model.since(next, create);
      next = model.revision + 1;
      if (events.length > 0) this.tell({ ...about, header: model.header, events });
    };
    catchUp();
    this.#watched = model.onChange(catchUp);
  }

  /** What is lost on the way ends the stream: nothing comes after a gap. */
  tell(answer: unknown): void {
    if (!this.#etcd.reaches(this.#host.name)) this.silence();
    if (!this.#isOpen || this.#isSilent) return;
    const number = (this.#sent += 1);
    this.#back(() => {
      if (number !== this.#delivered + 1) this.#isOpen = false;
      this.#delivered = number;
      if (this.#isOpen) this.#events.answer(answer);
    });
  }

  end(): void {
    this.#back(() => {
      if (this.#isOpen) this.#events.end(Object.assign(new Error(), { code: UNAVAILABLE, details: 'restarted' }));
    });
  }

  close(): void {
    this.#isOpen = false;
    this.silence();
  }

  /** Something of it was lost on its way. */
  silence(): void {
    this.#isSilent = true;
    this.#watched?.[Symbol.dispose]();
    this.#watched = undefined;
    this.#etcd.drop(this);
  }
}

/** The way back, in order: run in the process that asked, for as long as it lives and is reached. */
function path(etcd: SimulatedEtcd, host: Host): (step: () => void) => void {
  const { boots } = host;
  const waiting: (() => void)[] = [];
  const deliver = () => {
    const step = waiting.shift();
    if (!host.running || host.boots !== boots || !etcd.reaches(host.name)) return;
    host.system.clock.setTimer(0, () => step?.());
  };
  return (step) => {
    waiting.push(step);
    etcd.after(etcd.delay(), deliver);
  };
}

function answerOf(model: EtcdModel, name: string, request: unknown): { value: unknown } | { error: unknown } {
  try {
    return { value: answer(model, name, request) };
  } catch (error) {
    return { error };
  }
}

function answer(model: EtcdModel, name: string, request: unknown): unknown {
  switch (name) {
    case 'range':
      return { header: model.header, kvs: model.range(request as ModelRange), more: false };
    case 'txn':
      return model.transact(request as ModelTransaction);
    case 'leaseGrant': {
      const { ID, TTL } = request as { readonly ID: string; readonly TTL: number };
      model.grant(ID, TTL);
      return { ID, TTL: String(TTL) };
    }
    case 'leaseRevoke':
      model.revoke((request as { readonly ID: string }).ID);
      return { header: model.header };
    default:
      throw new Error(`there is no call ${name}`);
  }
}

class OneMember {
  readonly size = 1;
  readonly #member: SimulatedMember;

  constructor(member: SimulatedMember) {
    this.#member = member;
  }

  current(): Promise<MemberConnection> {
    return Promise.resolve(this.#member as unknown as MemberConnection);
  }

  token(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  answered(): void {
    // There is no other.
  }

  refused(): boolean {
    return false;
  }

  failed(): Promise<void> {
    return Promise.resolve();
  }
}
