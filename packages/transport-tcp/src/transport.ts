import {
  type Address,
  authenticates,
  Broadcast,
  type CallOptions,
  checkBytes,
  checkMessageKind,
  checkRequestTimeout,
  ClusterError,
  type ClusterNode,
  describedNode,
  DESCRIPTION_INTERVAL_MS,
  formatAddress,
  isLoopback,
  type MessageHandler,
  type MessageKind,
  type NodeDescription,
  type NodeId,
  type OutgoingStream,
  Pace,
  type Peer,
  type RequestHandler,
  type RequestHandlerOptions,
  type RequestOptions,
  sameNode,
  type StreamHandler,
  telemetryOf,
  throwIfAborted,
  type Timer,
  type Transport,
  type TransportContext,
  type TransportEvent,
} from '@quorate/core';
import { Acceptor } from './acceptor.ts';
import { ClientTable } from './client-table.ts';
import type { Connection } from './connection.ts';
import { Contacts } from './contacts.ts';
import { Dialler } from './dial.ts';
import { type Handlers, HandlerTable } from './handlers.ts';
import { LinkSet } from './link-set.ts';
import type { Settings } from './options.ts';
import { PeerTable, sameAddress } from './peer-table.ts';
import { Reporter } from './reporter.ts';
import { StreamGuard } from './stream-guard.ts';
import { TransportInstruments } from './transport-instruments.ts';

const MAX_UNREAD_EVENTS = 1024;
/** How often is looked whether the certificates of peers have expired. */
const CERTIFICATE_CHECK_MS = 5000;

export class TcpTransport implements Transport {
  readonly #context: TransportContext;
  readonly #events = new Broadcast<TransportEvent>(MAX_UNREAD_EVENTS);
  readonly #handlers: Handlers = {
    messages: new HandlerTable<MessageHandler>(),
    requests: new HandlerTable<RequestHandler>(),
    streams: new HandlerTable<StreamHandler>(),
  };
  /** Of those, the ones that serve clients too. */
  readonly #clientRequests = new HandlerTable<RequestHandler>();
  readonly #reporter: Reporter;
  readonly #instruments: TransportInstruments;
  readonly #links: LinkSet;
  readonly #peers: PeerTable;
  readonly #contacts: Contacts;
  readonly #acceptor: Acceptor;
  /** Tells the peers how this node describes itself. */
  readonly #telling: Pace;
  #self: ClusterNode;
  #bound: Address | undefined;
  readonly #watching: Disposable[] = [];
  #certificateTimer: Timer | undefined;
  #started = false;
  #disposal: Promise<void> | undefined;

  constructor(context: TransportContext, settings: Settings) {
    this.#context = context;
    this.#self = context.self;
    this.#reporter = new Reporter(context.clock, context.logger);
    this.#instruments = new TransportInstruments(telemetryOf(context), () => ({
      peers: this.#peers.peers.filter(({ state }) => state === 'connected').length,
      queuedBytes: this.#links.queuedBytes,
    }));
    const maxParting = settings.maxPeers + settings.maxPendingConnections;
    this.#links = new LinkSet(context, maxParting, this.#instruments.traffic);
    this.#peers = this.#makePeers(settings);
    this.#contacts = this.#makeContacts();
    this.#telling = new Pace(context.clock, DESCRIPTION_INTERVAL_MS, () => this.#peers.describe());
    this.#acceptor = new Acceptor(this.#peers, this.#links, (remote, error) => {
      this.#instruments.refused.add(1);
      this.#reporter.warn('refused', error.message);
      this.#events.publish({ type: 'refused', remote, error });
    });
  }

  get self(): ClusterNode {
    return this.#self;
  }

  get peers(): readonly Peer[] {
    return this.#peers.peers;
  }

  peer(id: NodeId): Peer | undefined {
    return this.#peers.peer(id);
  }

  async start(options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    throwIfAborted(options.signal, 'start of the transport');
    if (this.#started) throw new ClusterError('INVALID_OPTIONS', 'the transport has been started already');
    this.#started = true;
    this.#bound = await this.#acceptor.listen(this.#context.bind);
    if (this.#self.port === 0) this.#self = { ...this.#self, port: this.#bound.port };
    this.#contacts.remove(this.#self);
    this.#contacts.start();
    this.#watchSecurity();
  }

  describe(description: NodeDescription): void {
    this.#checkOpen();
    const node = describedNode(this.#self, description);
    if (sameNode(node, this.#self)) return;
    this.#self = node;
    this.#telling.ask();
  }

  addContact(address: Address): void {
    if (this.#disposal !== undefined || this.#isOwn(address) || this.#contacts.add(address)) return;
    this.#reporter.warn('contacts', `too many contacts, ${formatAddress(address)} is not dialled`);
  }

  removeContact(address: Address): void {
    const id = this.#contacts.remove(address);
    if (id !== undefined) this.#peers.forget(id);
  }

  release(id: NodeId): void {
    this.#peers.connection(id)?.close('unneeded', 'released');
  }

  send(to: NodeId, kind: MessageKind, payload: Uint8Array): boolean {
    checkMessageKind(kind);
    checkBytes('send', 'payload', payload);
    const connection = this.#peers.connection(to);
    return connection !== undefined && connection.send({ type: 'MESSAGE', kind, payload });
  }

  sendNow(to: NodeId, kind: MessageKind, parts: readonly Uint8Array[]): boolean {
    checkMessageKind(kind);
    for (const part of parts) checkBytes('sendNow', 'parts', part);
    const connection = this.#peers.connection(to);
    return connection !== undefined && connection.sendNow(kind, parts);
  }

  request(to: NodeId, kind: MessageKind, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    try {
      checkMessageKind(kind);
      checkBytes('request', 'payload', payload);
      checkRequestTimeout(options?.timeoutMs);
      return this.#reach(to, payload.length).requests.request(kind, payload, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async openStream(to: NodeId, kind: MessageKind, options?: CallOptions): Promise<OutgoingStream> {
    checkMessageKind(kind);
    return this.#reach(to, 0).streams.open(kind, options);
  }

  onMessage(kind: MessageKind, handler: MessageHandler): Disposable {
    this.#checkOpen();
    return this.#handlers.messages.add(kind, handler);
  }

  onRequest(kind: MessageKind, handler: RequestHandler, { clients = false }: RequestHandlerOptions = {}): Disposable {
    this.#checkOpen();
    const added = this.#handlers.requests.add(kind, handler);
    if (!clients) return added;
    const forClients = this.#clientRequests.add(kind, handler);
    return {
      [Symbol.dispose]: () => {
        added[Symbol.dispose]();
        forClients[Symbol.dispose]();
      },
    };
  }

  onStream(kind: MessageKind, handler: StreamHandler): Disposable {
    this.#checkOpen();
    return this.#handlers.streams.add(kind, handler);
  }

  watch(options?: CallOptions): AsyncIterable<TransportEvent> {
    return this.#events.watch(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#certificateTimer?.cancel();
    for (const watching of this.#watching) watching[Symbol.dispose]();
    this.#telling[Symbol.dispose]();
    this.#contacts.close();
    this.#peers.close();
    await this.#acceptor.close();
    await this.#links.ended();
    this.#events[Symbol.dispose]();
    this.#instruments[Symbol.dispose]();
  }

  #watchSecurity(): void {
    const { security, bind } = this.#context;
    if (this.#disposal !== undefined) return;
    if (!authenticates(security) && !isLoopback(bind.host)) {
      this.#context.logger.warn(
        `transport-tcp: ${formatAddress(bind)} is bound and nothing is authenticated or encrypted, because the cluster ` +
          'is insecure: whoever reaches the port can join',
      );
    }
    const judge = (): void => this.#peers.reauthenticate();
    const { keyring, certificates } = security;
    if (certificates !== undefined) {
      this.#watching.push(certificates.onChange(judge));
      this.#checkCertificates();
    } else if (keyring !== undefined) {
      this.#watching.push(keyring.onChange(judge));
    }
  }

  #checkCertificates(): void {
    this.#certificateTimer = this.#context.clock.setTimer(CERTIFICATE_CHECK_MS, () => {
      this.#peers.reauthenticate();
      this.#checkCertificates();
    });
  }

  #makePeers(settings: Settings): PeerTable {
    const guard = new StreamGuard(this.#context);
    const instruments = this.#instruments;
    const common = { context: this.#context, settings, guard, reporter: this.#reporter, instruments };
    return new PeerTable({
      ...common,
      handlers: this.#handlers,
      clients: new ClientTable({
        ...common,
        requests: this.#clientRequests,
        refused: (remote, error) => this.#publish({ type: 'refused', remote, error }),
      }),
      self: () => this.#self,
      events: {
        publish: (event) => this.#publish(event),
        connected: (node) => this.#isOwn(node) || this.#contacts.connected(node),
        disconnected: (node, reason) => this.#contacts.disconnected(node, reason),
        forgotten: (id) => this.#contacts.forgotten(id),
        isDialling: (id) => this.#contacts.isDialling(id),
      },
    });
  }

  #makeContacts(): Contacts {
    return new Contacts({
      dialler: new Dialler(this.#peers, this.#links),
      isConnected: (id) => this.#peers.connection(id) !== undefined,
      connectedAt: (address) => this.#peers.connectedAt(address),
      unreachable: (address, error) => {
        if (error.code !== 'DISCONNECTED') this.#reporter.warn('unreachable', error.message);
        this.#instruments.unreachable.add(1);
        this.#events.publish({ type: 'unreachable', address, error });
      },
    });
  }

  #publish(event: TransportEvent): void {
    if (event.type === 'connected') this.#instruments.opened.add(1);
    if (event.type === 'disconnected') this.#instruments.closed(event.reason);
    this.#events.publish(event);
  }

  /** @throws ClusterError `CLOSED`, `DISCONNECTED`, `OVERLOADED`: nothing was sent */
  #reach(to: NodeId, bytes: number): Connection {
    this.#checkOpen();
    const connection = this.#peers.connection(to);
    if (connection === undefined) {
      throw new ClusterError('DISCONNECTED', `no connection with ${to}`, { outcome: 'not-applied' });
    }
    if (bytes <= connection.maxPayloadBytes) return connection;
    const message = `a request of ${bytes} bytes to ${to}: ${connection.maxPayloadBytes} fit`;
    throw new ClusterError('OVERLOADED', message, { outcome: 'not-applied' });
  }

  #isOwn(address: Address): boolean {
    return sameAddress(address, this.#self) || (this.#bound !== undefined && sameAddress(address, this.#bound));
  }

  #checkOpen(): void {
    if (this.#disposal !== undefined) throw new ClusterError('CLOSED', 'the transport has been disposed');
  }
}
