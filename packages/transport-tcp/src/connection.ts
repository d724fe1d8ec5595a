import {
  type Address,
  ClusterError,
  type ClusterNode,
  DESCRIPTION_INTERVAL_MS,
  type DisconnectReason,
  guardedCall,
  isClusterError,
  isClusterNode,
  type MessageKind,
  type NodeId,
  Pace,
  type TransportContext,
} from '@quorate/core';
import { FRAME_OVERHEAD_BYTES, type Frame, type FrameOf } from './frame.ts';
import type { Handlers } from './handlers.ts';
import { Heartbeat } from './heartbeat.ts';
import { IncomingRequests } from './incoming-requests.ts';
import { IncomingStreams } from './incoming-streams.ts';
import type { Established } from './handshake.ts';
import { asRecord, type Introduction, isName, knownFields } from './introduction.ts';
import type { Link, LinkReceiver, OutgoingFrame } from './link.ts';
import type { Settings } from './options.ts';
import type { Outlet } from './outlet.ts';
import { OutgoingRequests } from './outgoing-requests.ts';
import { OutgoingStreams } from './outgoing-streams.ts';
import { PeerProof } from './peer-proof.ts';
import { peerText } from './peer-text.ts';
import type { Reporter } from './reporter.ts';
import type { StreamGuard } from './stream-guard.ts';
import type { TransportInstruments } from './transport-instruments.ts';

/** What a connection says when it closes, in `GOODBYE`. */
export type GoodbyeReason = 'leaving' | 'replaced' | 'unneeded' | 'cluster' | 'authentication' | 'protocol';

export interface ConnectionOwner {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly handlers: Handlers;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  /** What came over a connection isn't believed, which ends it. Before it has ended; it was logged. */
  refused(remote: Address, error: ClusterError): void;
  /** Called once, when the connection is over. */
  ended(connection: Connection, reason: DisconnectReason): void;
  /** The peer has told the cluster's id, and this node didn't know any. */
  identified(clusterId: string): void;
  /** The peer describes itself so from now on. */
  described(connection: Connection, node: ClusterNode): void;
}

/** Streams hold back when this much is queued: what is queued before a message delays it. */
const STREAM_MARK_BYTES = 512 * 1024;
/** Answers may fill this many times the queue's bound, which messages and requests keep to. */
const ANSWER_FACTOR = 2;
/** Beyond this many times the bound even control frames don't fit: the peer writes without reading. */
const HARD_FACTOR = 3;

/** A live connection with a peer: sorts what arrives, and bounds what leaves. */
export class Connection implements LinkReceiver, Outlet {
  readonly peer: Introduction;
  readonly maxPayloadBytes: number;
  readonly requests: OutgoingRequests;
  readonly streams: OutgoingStreams;
  readonly #link: Link;
  readonly #owner: ConnectionOwner;
  readonly #heartbeat: Heartbeat;
  readonly #incomingRequests: IncomingRequests;
  readonly #incomingStreams: IncomingStreams;
  readonly #proof: PeerProof | undefined;
  /** The cluster id that the peer was told. */
  #toldId: string | undefined;
  /** How this node has described itself to the peer last. */
  #toldNode: ClusterNode;
  /** How the peer has described itself last. A peer that keeps to no interval is heard no more often for it. */
  #heardNode: ClusterNode;
  readonly #hearing: Pace;
  #ended = false;

  constructor(owner: ConnectionOwner, established: Established) {
    const { link, peer, toldId, toldNode } = established;
    const { context, settings, handlers } = owner;
    this.#owner = owner;
    this.#link = link;
    this.#toldId = toldId;
    this.#toldNode = toldNode;
    this.#heardNode = peer.node;
    this.#hearing = new Pace(context.clock, DESCRIPTION_INTERVAL_MS, () => owner.described(this, this.#heardNode));
    this.peer = peer;
    this.maxPayloadBytes = Math.min(settings.maxFrameBytes, peer.maxFrameBytes) - FRAME_OVERHEAD_BYTES;
    this.requests = new OutgoingRequests(context.clock, this, settings.maxRequests, owner.instruments);
    this.streams = new OutgoingStreams(this, settings.maxStreams);
    this.#incomingRequests = new IncomingRequests(this, handlers.requests, settings.maxRequests);
    this.#incomingStreams = new IncomingStreams(this, handlers.streams, {
      maxStreams: settings.maxStreams,
      windowBytes: settings.streamWindowBytes,
    });
    this.#heartbeat = new Heartbeat(context.clock, settings.heartbeat, {
      heardAt: () => link.heardAt,
      ping: () => this.push({ type: 'PING' }),
      expired: () => this.#lose('timeout'),
    });
    this.#proof = this.#makeProof(established);
    link.receiver = this;
    link.establish(peer.node.id, settings);
  }

  get peerId(): NodeId {
    return this.peer.node.id;
  }

  get idle(): boolean {
    return this.#link.queuedBytes < STREAM_MARK_BYTES;
  }

  /** False when the queue is full. */
  send(frame: FrameOf<'MESSAGE'>): boolean {
    if (!this.#takes(frame.payload.length)) return false;
    this.#link.send(frame);
    return true;
  }

  /** Like `send`, of parts that won't change, and at once. */
  sendNow(kind: MessageKind, parts: readonly Uint8Array[]): boolean {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (!this.#takes(bytes)) return false;
    this.#link.sendNow(kind, parts, bytes);
    return true;
  }

  offer(frame: OutgoingFrame): boolean {
    const fits = this.#fits(frame, frame.type === 'RESPONSE' ? ANSWER_FACTOR : 1);
    if (fits) this.#link.send(frame);
    return fits;
  }

  push(frame: OutgoingFrame): void {
    if (this.#fits(frame, HARD_FACTOR)) this.#link.send(frame);
    else this.#lose('timeout');
  }

  /** Tells the peer the cluster's id if it has not been told. */
  identify(clusterId: string | undefined): void {
    if (clusterId === undefined || this.#toldId === clusterId) return;
    this.#toldId = clusterId;
    this.push({ type: 'IDENTITY', detail: { clusterId } });
  }

  /** Tells the peer how this node describes itself if it was told otherwise. */
  describe(self: ClusterNode): void {
    if (this.#ended || this.#toldNode === self) return;
    this.#toldNode = self;
    this.push({ type: 'DESCRIPTION', detail: knownFields(self) });
  }

  /** Judges again whether what the peer has shown is still enough. */
  reauthenticate(): void {
    if (this.#ended) return;
    this.#proof?.changed();
    const objection = this.#link.secured?.objection();
    if (objection !== undefined) this.#refuse(objection);
  }

  /** Asks whether the peer lives; answers within the heartbeat's interval. */
  probe(answer: (alive: boolean) => void): void {
    this.#heartbeat.probe(answer);
  }

  /** Says why, sends what is queued and closes. */
  close(goodbye: GoodbyeReason, reason: DisconnectReason, message = ''): void {
    if (this.#ended) return;
    this.#end(reason, goodbye === 'leaving' ? 'CLOSED' : 'DISCONNECTED');
    const { taken: requests } = this.#incomingRequests;
    this.#link.close({ type: 'GOODBYE', detail: { reason: goodbye, message: message.slice(0, 512), requests } });
    this.#owner.ended(this, reason);
  }

  violated(error: ClusterError | string): void {
    const message = typeof error === 'string' ? error : error.message;
    this.#refused('protocol', `${this.peerId} broke the protocol: ${message}`);
    this.close('protocol', 'protocol', message);
  }

  drained(): void {
    if (this.idle) this.streams.resume();
  }

  lost(error?: Error): void {
    if (this.#ended) return;
    const isAltered = isClusterError(error, 'PROTOCOL');
    if (isAltered) this.#refused('altered', `ended the connection with ${this.peerId}: ${error.message}`, error);
    else if (isClusterError(error, 'REFUSED'))
      this.#owner.reporter.warn('ended', `${this.peerId} ended the connection: ${error.message}`);
    const reason = isAltered ? 'protocol' : 'closed';
    this.#end(reason);
    this.#owner.ended(this, reason);
  }

  frame(frame: Frame): void {
    switch (frame.type) {
      case 'MESSAGE':
        this.#deliver(frame);
        return;
      case 'REQUEST':
        this.#incomingRequests.handle(frame);
        return;
      case 'RESPONSE':
        this.requests.answered(frame.id, frame.payload);
        return;
      case 'ERROR':
        this.requests.failed(frame.id, frame.detail);
        return;
      case 'CANCEL':
        this.#incomingRequests.cancel(frame.id);
        return;
      case 'PING':
        this.push({ type: 'PONG' });
        return;
      case 'PONG':
        return;
      case 'GOODBYE':
        this.#partedFrom(frame.detail);
        return;
      case 'IDENTITY':
        this.#identified(frame.detail);
        return;
      case 'DESCRIPTION':
        this.#described(frame.detail);
        return;
      case 'AUTH':
        this.#proof?.received(frame.detail);
        return;
      case 'HELLO':
      case 'WELCOME':
      case 'READY':
        this.violated(`${frame.type} after the handshake`);
        return;
      case 'REFUSE':
        this.#lose('closed');
        return;
      case 'UNKNOWN':
        this.#owner.reporter.debug('unknown', `skipped a frame of unknown type ${frame.code} from ${this.peerId}`);
        return;
      case 'STREAM_OPEN':
      case 'STREAM_CHUNK':
      case 'STREAM_CREDIT':
      case 'STREAM_END':
      case 'STREAM_ACK':
      case 'STREAM_RESET':
      case 'STREAM_ABORT':
        this.#streamFrame(frame);
    }
  }

  #streamFrame(frame: Extract<Frame, { type: `STREAM_${string}` }>): void {
    switch (frame.type) {
      case 'STREAM_OPEN':
        this.#incomingStreams.open(frame);
        return;
      case 'STREAM_CHUNK':
        this.#incomingStreams.chunk(frame);
        return;
      case 'STREAM_END':
        this.#incomingStreams.ended(frame.id);
        return;
      case 'STREAM_ABORT':
        this.#incomingStreams.aborted(frame.id);
        return;
      case 'STREAM_CREDIT':
        this.streams.credited(frame.id, frame.bytes);
        return;
      case 'STREAM_ACK':
        this.streams.acknowledged(frame.id);
        return;
      case 'STREAM_RESET':
        this.streams.reset(frame.id, frame.detail);
    }
  }

  #deliver({ kind, payload }: FrameOf<'MESSAGE'>): void {
    const handler = this.#owner.handlers.messages.get(kind);
    if (handler === undefined) {
      this.#owner.reporter.debug('unhandled', `dropped a message of kind ${kind} from ${this.peerId}: no handler`);
      return;
    }
    guardedCall(
      () => handler(this.peerId, payload),
      (error) => this.#owner.reporter.error('handler', `the handler of messages of kind ${kind} failed`, error),
    );
  }

  #partedFrom(detail: unknown): void {
    const { reason, message, requests } = asRecord(detail);
    if (typeof requests === 'number') this.requests.notTaken(requests);
    if (reason !== 'leaving' && reason !== 'replaced' && reason !== 'unneeded') {
      const why = [reason, message].map((said) => peerText(said) ?? '?').join(': ');
      this.#owner.reporter.warn('parted', `${this.peerId} closed the connection: ${why}`);
    }
    this.#lose(reason === 'leaving' ? 'goodbye' : reason === 'unneeded' ? 'released' : 'closed');
  }

  #identified(detail: unknown): void {
    const { clusterId } = asRecord(detail);
    const { id } = this.#owner.context.cluster;
    if (!isName(clusterId)) this.violated('IDENTITY without a cluster id');
    else if (id === undefined) this.#owner.identified(clusterId);
    else if (id !== clusterId) this.close('cluster', 'local', `this cluster's id is ${id}, not ${clusterId}`);
  }

  #described(detail: unknown): void {
    const { id, host, port } = this.peer.node;
    const isOwn = isClusterNode(detail) && detail.id === id && detail.host === host && detail.port === port;
    if (!isOwn) {
      this.violated('DESCRIPTION of what is no node, or another');
      return;
    }
    this.#heardNode = knownFields(detail);
    this.#hearing.ask();
  }

  #makeProof({ link: { secured }, role }: Established): PeerProof | undefined {
    const { context, guard } = this.#owner;
    if (guard.keys === undefined || secured?.peer.type !== 'shared-key') return undefined;
    const { clock, crypto } = context;
    const parts = { clock, crypto, keys: guard.keys, secured, role };
    const ways = { send: (frame: FrameOf<'AUTH'>) => this.push(frame), refuse: (why: string) => this.#refuse(why) };
    try {
      return new PeerProof({ ...parts, ...ways }, secured.peer.identity);
    } catch {
      // The stream has just ended, which is yet to be told. Without a proof nothing goes on in any case.
      clock.defer(() => this.#lose('closed'));
      return undefined;
    }
  }

  #refused(topic: string, message: string, cause?: Error): void {
    this.#owner.reporter.warn(topic, message);
    this.#owner.refused(this.#link.remote, new ClusterError('PROTOCOL', message, { cause }));
  }

  #refuse(why: string): void {
    this.#owner.reporter.warn('authentication', `closed the connection with ${this.peerId}: ${why}`);
    this.close('authentication', 'local', why);
  }

  /** Whether a message of so many bytes goes into a frame and the queue. */
  #takes(bytes: number): boolean {
    const { reporter } = this.#owner;
    if (bytes > this.maxPayloadBytes) {
      reporter.warn('oversize', `a message of ${bytes} bytes to ${this.peerId}: ${this.maxPayloadBytes} fit`);
      return false;
    }
    if (this.#hasRoom(bytes, 1)) return true;
    this.#owner.instruments.dropped.add(1);
    reporter.warn('overflow', `the queue for ${this.peerId} is full, messages are dropped`);
    return false;
  }

  #fits(frame: OutgoingFrame, factor: number): boolean {
    return this.#hasRoom('payload' in frame ? frame.payload.length : 0, factor);
  }

  #hasRoom(bytes: number, factor: number): boolean {
    return this.#link.queuedBytes + bytes <= factor * this.#owner.settings.maxQueueBytes;
  }

  #lose(reason: DisconnectReason): void {
    if (this.#ended) return;
    this.#end(reason);
    this.#link.destroy();
    this.#owner.ended(this, reason);
  }

  #end(reason: DisconnectReason, code: 'DISCONNECTED' | 'CLOSED' = 'DISCONNECTED'): void {
    this.#ended = true;
    this.#heartbeat[Symbol.dispose]();
    this.#hearing[Symbol.dispose]();
    this.#proof?.[Symbol.dispose]();
    const message = `the connection with ${this.peerId} ended: ${reason}`;
    const error = new ClusterError(code, message, { outcome: 'unknown' });
    this.requests.end(error);
    this.streams.end(error);
    this.#incomingRequests.end(error);
    this.#incomingStreams.end(error);
  }
}
