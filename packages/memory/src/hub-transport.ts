import {
  type Address,
  type BackoffOptions,
  Broadcast,
  type CallOptions,
  checkBytes,
  checkMessageKind,
  checkRequestTimeout,
  type Clock,
  ClusterError,
  type ClusterNode,
  describedNode,
  DESCRIPTION_INTERVAL_MS,
  type DisconnectReason,
  formatAddress,
  formatNode,
  guardedCall,
  type MessageHandler,
  type MessageKind,
  type NodeDescription,
  type NodeId,
  type OutgoingStream,
  Pace,
  type Peer,
  type RequestHandler,
  type RequestOptions,
  sameNode,
  type StreamHandler,
  throwIfAborted,
  type Transport,
  type TransportContext,
  type TransportEvent,
} from '@quorate/core';

import { Connection, type Service } from './connection.ts';
import { type Contact, Contacts } from './contacts.ts';
import { type Frame, frameBytes, fromFailure, type Hello, type Refusal } from './frames.ts';
import { Handlers } from './handlers.ts';
import { judge, type Standing } from './handshake.ts';
import { Link, type LinkOwner, queuedBytes } from './link.ts';
import type { Endpoint, Hub, RoutedMessage } from './memory-network.ts';
import { Peers } from './peers.ts';

export interface TransportSettings {
  readonly silenceMs: number;
  readonly maxQueueBytes: number;
  readonly windowBytes: number;
  readonly backoff: BackoffOptions;
}

const MAX_EVENTS = 1024;
const HELLO_BYTES = 256;
const REFUSAL_BYTES = 16;
const NOT_APPLIED = { outcome: 'not-applied' } as const;

export class HubTransport implements Transport, Endpoint, LinkOwner, Service {
  readonly silenceMs: number;
  readonly maxQueueBytes: number;
  readonly windowBytes: number;
  readonly #context: TransportContext;
  readonly #hub: Hub;
  readonly #contacts: Contacts;
  readonly #peers = new Peers();
  /** Links that have not ended. */
  readonly #links = new Set<Link>();
  readonly #messages = new Handlers<MessageHandler>();
  readonly #requests = new Handlers<RequestHandler>();
  readonly #streams = new Handlers<StreamHandler>();
  readonly #events = new Broadcast<TransportEvent>(MAX_EVENTS);
  /** Tells the peers how this node describes itself. */
  readonly #telling: Pace;
  #self: ClusterNode;
  #state: 'new' | 'started' | 'closed' = 'new';

  constructor(context: TransportContext, hub: Hub, settings: TransportSettings) {
    this.#context = context;
    this.#hub = hub;
    this.#self = context.self;
    this.#telling = new Pace(context.clock, DESCRIPTION_INTERVAL_MS, () => {
      for (const link of this.#peers.links) this.#tell(link);
    });
    this.silenceMs = settings.silenceMs;
    this.maxQueueBytes = settings.maxQueueBytes;
    this.windowBytes = settings.windowBytes;
    const dial = (contact: Contact) => this.#dial(contact);
    this.#contacts = new Contacts(context.clock, context.random, settings.backoff, dial);
  }

  get self(): ClusterNode {
    return this.#self;
  }

  get nodeId(): NodeId {
    return this.#self.id;
  }

  get address(): Address {
    return { host: this.#self.host, port: this.#self.port };
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get peers(): readonly Peer[] {
    return this.#peers.ids.flatMap((id) => this.peer(id) ?? []);
  }

  async start(options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal, 'start');
    if (this.#state === 'closed') throw new ClusterError('CLOSED', 'the transport is closed');
    if (this.#state === 'started') throw new ClusterError('INVALID_OPTIONS', 'the transport was started already');
    const { host, port } = this.#self;
    const bound = port === 0 ? this.#context.bind.port : port;
    this.#self = { ...this.#self, port: bound === 0 ? this.#hub.freePort(host) : bound };
    this.#hub.bind(this);
    this.#state = 'started';
    for (const contact of this.#contacts.all) this.#dial(contact);
  }

  describe(description: NodeDescription): void {
    if (this.#state === 'closed') throw new ClusterError('CLOSED', 'the transport is closed');
    const node = describedNode(this.#self, description);
    if (sameNode(node, this.#self)) return;
    this.#self = node;
    this.#telling.ask();
  }

  addContact(address: Address): void {
    if (this.#state === 'closed') return;
    const contact = this.#contacts.add(address);
    if (contact !== undefined) this.#dial(contact);
  }

  removeContact(address: Address): void {
    this.#contacts.remove(address)?.link?.close('local', 'closed');
  }

  release(id: NodeId): void {
    this.#peers.connection(id)?.link.close('released', 'released');
  }

  peer(id: NodeId): Peer | undefined {
    const peer = this.#peers.get(id);
    if (peer === undefined) return undefined;
    const offline = this.#contacts.isDialling(id) ? 'connecting' : 'disconnected';
    return { ...peer, state: this.#peers.connection(id) === undefined ? offline : 'connected' };
  }

  send(to: NodeId, kind: MessageKind, payload: Uint8Array): boolean {
    checkMessageKind(kind);
    checkBytes('send', 'payload', payload);
    const link = this.#peers.connection(to)?.link;
    if (link === undefined) return false;
    const copy = payload.slice();
    return link.offer(queuedBytes(copy), (offset) => ({ type: 'message', kind, payload: copy, offset }));
  }

  sendNow(to: NodeId, kind: MessageKind, parts: readonly Uint8Array[]): boolean {
    for (const part of parts) checkBytes('sendNow', 'parts', part);
    return this.send(to, kind, joined(parts));
  }

  async request(to: NodeId, kind: MessageKind, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    checkMessageKind(kind);
    checkBytes('request', 'payload', payload);
    checkRequestTimeout(options.timeoutMs);
    return this.#connection(to).calls.request(kind, payload, options);
  }

  async openStream(to: NodeId, kind: MessageKind, options: CallOptions = {}): Promise<OutgoingStream> {
    checkMessageKind(kind);
    throwIfAborted(options.signal, `stream to ${to}`);
    return this.#connection(to).streams.open(kind, options);
  }

  onMessage(kind: MessageKind, handler: MessageHandler): Disposable {
    return this.#messages.add(kind, handler);
  }

  onRequest(kind: MessageKind, handler: RequestHandler): Disposable {
    return this.#requests.add(kind, handler);
  }

  onStream(kind: MessageKind, handler: StreamHandler): Disposable {
    return this.#streams.add(kind, handler);
  }

  watch(options: CallOptions = {}): AsyncIterable<TransportEvent> {
    return this.#events.watch(options);
  }

  // What connections serve their peers with.

  requestHandler(kind: MessageKind): RequestHandler | undefined {
    return this.#requests.get(kind);
  }

  streamHandler(kind: MessageKind): StreamHandler | undefined {
    return this.#streams.get(kind);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'started') this.#hub.unbind(this);
    this.#shut('local', 'goodbye');
    return Promise.resolve();
  }

  // What the hub calls.

  replaced(): void {
    this.#shut('closed');
  }

  accept(dialler: Link, hello: Hello): void {
    const link = new Link(this, addressOf(hello.node), false);
    link.other = dialler;
    dialler.other = link;
    this.#links.add(link);
    const refusal = judge(this.#hello(), hello, this.#standing(hello)) ?? this.#peers.makeRoom(hello.node.id);
    if (refusal === undefined) {
      this.#peers.connection(hello.node.id)?.link.end('closed');
      this.#install(link, hello);
      link.told = this.#self;
      link.post({ type: 'welcome', hello: this.#hello() });
      return;
    }
    link.post({ type: 'refusal', refusal });
    link.end('local');
    if (refusal.reason !== 'refused') return;
    const error = fromFailure(`refused ${formatNode(hello.node)}`, refusal.failure);
    this.#events.publish({ type: 'refused', remote: addressOf(hello.node), error });
  }

  // What links call.

  carry(link: Link, frame: Frame): void {
    const { other } = link;
    if (other === undefined) return;
    const lossy = frame.type === 'message';
    const receiver = other.owner.clock;
    this.#post(link, { bytes: frameBytes(frame), lossy, receiver, deliver: () => other.receive(frame) }, receiver);
  }

  received(link: Link, frame: Frame): void {
    const connection = this.#peers.connectionOf(link);
    if (frame.type === 'welcome') this.#welcomed(link, frame.hello);
    else if (frame.type === 'refusal') this.#refused(link, frame.refusal);
    else if (connection === undefined) return;
    else if (frame.type === 'description') this.#described(connection.peerId, frame.node);
    else if (frame.type === 'message') this.#dispatch(connection.peerId, frame.kind, frame.payload);
    else connection.receive(frame);
  }

  ended(link: Link, reason: DisconnectReason): void {
    this.#links.delete(link);
    const connection = this.#peers.connectionOf(link);
    if (connection !== undefined) this.#disconnected(connection, reason);
    const contact = this.#contacts.dialledBy(link);
    if (contact === undefined) return;
    const where = formatAddress(contact.address);
    this.#dialFailed(
      contact,
      reason === 'timeout'
        ? new ClusterError('TIMEOUT', `${where} did not answer within ${this.silenceMs} ms`)
        : new ClusterError('DISCONNECTED', `nobody accepts at ${where}`),
    );
  }

  #dial(contact: Contact): void {
    if (this.#state !== 'started' || contact.link !== undefined || this.#isMet(contact)) return;
    const link = new Link(this, contact.address, true);
    this.#links.add(link);
    contact.link = link;
    const hello = this.#hello();
    link.told = hello.node;
    const endpoint = this.#hub.at(contact.address);
    const deliver = () => this.#knock(link, hello);
    this.#post(link, { bytes: HELLO_BYTES, lossy: false, deliver }, endpoint?.clock ?? this.clock);
  }

  #isMet({ address, nodeId }: Contact): boolean {
    if (formatAddress(address) === formatAddress(this.#self)) return true;
    return nodeId !== undefined && this.#peers.connection(nodeId) !== undefined;
  }

  /** The dial has arrived. */
  #knock(link: Link, hello: Hello): void {
    const endpoint = this.#hub.at(link.remote);
    if (endpoint !== undefined) endpoint.accept(link, hello);
    else this.#hub.carry(refusedBy(link, this.address), this.clock);
  }

  /** How this node stands to one who dialled. */
  #standing(hello: Hello): Standing {
    const { id } = hello.node;
    const peer = this.#peers.get(id);
    if (peer !== undefined && this.#peers.connection(id) !== undefined) return { connected: peer };
    const dials = this.#contacts.at(hello.node)?.link !== undefined;
    return dials && this.#self.id < id ? 'dialling' : 'free';
  }

  #welcomed(link: Link, hello: Hello): void {
    // One with a former process of the node, at most: those that cross are refused.
    this.#peers.connection(hello.node.id)?.link.close('closed', 'closed');
    this.#install(link, hello);
    // While they shook hands, this node may have come to describe itself anew.
    this.#tell(link);
  }

  #install(link: Link, hello: Hello): void {
    const { id } = this.#context.cluster;
    if (id === undefined && hello.cluster.id !== undefined) this.#context.cluster.adopt(hello.cluster.id);
    link.hello = hello;
    this.#met(link, hello.node.id);
    this.#peers.connect(new Connection(link, hello.node.id, this), hello);
    const peer = this.peer(hello.node.id);
    if (peer !== undefined) this.#events.publish({ type: 'connected', peer });
  }

  /** Tells the other end how this node describes itself, if it was told otherwise. */
  #tell(link: Link): void {
    if (link.told === this.#self) return;
    link.told = this.#self;
    link.post({ type: 'description', node: this.#self });
  }

  #described(id: NodeId, node: ClusterNode): void {
    const known = this.#peers.get(id);
    if (known === undefined || sameNode(known.node, node)) return;
    this.#peers.describe(node, known);
    const peer = this.peer(id);
    if (peer !== undefined) this.#events.publish({ type: 'described', peer });
  }

  #disconnected(connection: Connection, reason: DisconnectReason): void {
    const { peerId } = connection;
    this.#peers.release(connection);
    connection.end(reason, this.#state === 'closed');
    this.#contacts.retryAll(peerId);
    const peer = this.peer(peerId);
    if (peer !== undefined) this.#events.publish({ type: 'disconnected', peer, reason });
  }

  #refused(link: Link, refusal: Refusal): void {
    const contact = this.#contacts.dialledBy(link);
    if (contact === undefined) return;
    if (refusal.reason === 'refused') {
      this.#dialFailed(contact, fromFailure(formatAddress(contact.address), refusal.failure));
    } else {
      // Of a crossing, the other connection is on its way; should it come to nothing, this contact is dialled again.
      contact.link = undefined;
      contact.nodeId = refusal.nodeId;
      this.#contacts.retry(contact);
    }
    link.end('local');
  }

  #dialFailed(contact: Contact, error: ClusterError): void {
    contact.link = undefined;
    this.#contacts.retry(contact);
    this.#events.publish({ type: 'unreachable', address: contact.address, error });
  }

  /** It is known now who answers at the address that the link dialled. */
  #met(link: Link, id: NodeId): void {
    const contact = this.#contacts.dialledBy(link);
    if (contact === undefined) return;
    contact.link = undefined;
    contact.nodeId = id;
    contact.backoff.reset();
  }

  #dispatch(from: NodeId, kind: MessageKind, payload: Uint8Array): void {
    guardedCall(
      () => this.#messages.get(kind)?.(from, payload.slice()),
      (error) => this.#context.logger.error(`the handler of messages of kind ${kind} failed`, error),
    );
  }

  #post(link: Link, message: Pick<RoutedMessage, 'bytes' | 'lossy' | 'receiver' | 'deliver'>, receiver: Clock): void {
    this.#hub.carry({ from: this.address, to: link.remote, reset: link.reset, ...message }, receiver);
  }

  #hello(): Hello {
    const { cluster, incarnation } = this.#context;
    return { node: this.#self, incarnation, cluster: { name: cluster.name, id: cluster.id } };
  }

  #connection(to: NodeId): Connection {
    if (this.#state === 'closed') throw new ClusterError('CLOSED', 'the transport is closed', NOT_APPLIED);
    const connection = this.#peers.connection(to);
    if (connection === undefined) throw new ClusterError('DISCONNECTED', `${to} is not connected`, NOT_APPLIED);
    return connection;
  }

  #shut(reason: DisconnectReason, word?: 'goodbye'): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#telling[Symbol.dispose]();
    this.#contacts.clear();
    for (const link of this.#links) link.close(reason, word);
    this.#events[Symbol.dispose]();
  }
}

function refusedBy(link: Link, dialler: Address): RoutedMessage {
  const nothing = { bytes: REFUSAL_BYTES, lossy: false, reset: ignore };
  return { from: link.remote, to: dialler, deliver: link.reset, ...nothing };
}

function ignore(): void {
  // A kernel's refusal is not answered.
}

function addressOf({ host, port }: Address): Address {
  return { host, port };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
