import {
  type ClusterContext,
  ClusterError,
  crc32,
  type Crc32,
  type GroupLog,
  messageKind,
  type NodeId,
  type RequestHandler,
  type SnapshotInfo,
  toClusterError,
  type Transport,
} from '@quorate/core';
import { DueGroups } from './due-groups.ts';
import { EntryBatches } from './entry-batches.ts';
import { Outbox } from './outbox.ts';
import { Ticker } from './ticker.ts';
import type { CheckedLog } from './repair/checked-log.ts';
import { NodeLog } from './repair/node-log.ts';
import { Pulses } from './resting/pulses.ts';
import { decodePulse, type RestNotice } from './resting/rest-notice.ts';
import { SnapshotTransfer } from './snapshots/snapshot-transfer.ts';
import {
  readTransferOptions,
  type SnapshotTransferOptions,
  type TransferSettings,
} from './snapshots/transfer-options.ts';
import { type ReceivedMessage, readFrame } from './wire/frame-reader.ts';
import type { SnapshotMessage } from './wire/snapshot-message.ts';

/** A group as its host sees it. */
export interface HostedGroup {
  readonly id: number;
  /** What it is due for: the host's, which begins with 0. */
  due: number;
  /** Messages, and calls between nodes, that belong to it. */
  receive(from: NodeId, received: ReceivedMessage): void;
  request(from: NodeId, kind: number, body: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Uint8Array>;
  /** For snapshots that others send. */
  readonly snapshots: SnapshotMember;
  /** The leader of the group finds that it may rest. */
  mayRest(from: NodeId, notice: RestNotice): void;
  /** The log is damaged and goes, as a whole: nothing is done here until `resume`. */
  suspend(damage: ClusterError): void;
  /** Begins with what the log says that has come in its place. Never rejects. */
  resume(): Promise<void>;
  /** It can't go on. */
  failed(error: ClusterError): void;
  /** The connection to this node was lost. */
  disconnected(nodeId: NodeId): void;
  /** Proposes what this turn has gathered. */
  flush(): void;
  /** Does what follows from the inputs that it had, but for writing to its log. */
  process(): void;
  /** Writes. True when there is something to process again. */
  write(): boolean;
}

/** A group as whoever sends it a snapshot sees it. */
export interface SnapshotMember {
  /** Its log, if it is a member of this formation. */
  logOf(formation: number): GroupLog | undefined;
  accepts(from: NodeId, message: SnapshotMessage): boolean;
  /** It is in the log store. Resolves when it may be replaced there by another. */
  received(message: SnapshotMessage, info: SnapshotInfo): Promise<void>;
}

/** Of a call to a group: its kind (1 byte) and the group (4). */
const REQUEST_HEADER_BYTES = 5;

/**
 * What all groups of one node share: connections, the log store, time, and turns. Each input steps its group at once;
 * when the input is over, the groups that it touched say what follows, and all messages to a peer leave as one frame.
 */
export class RaftHost implements AsyncDisposable {
  readonly context: ClusterContext;
  readonly crc32: Crc32;
  readonly batches: EntryBatches;
  readonly outbox: Outbox;
  readonly pulses: Pulses;
  readonly #closing = new AbortController();
  readonly #groups = new Map<number, HostedGroup>();
  readonly #tickers = new Map<number, Ticker>();
  readonly #touched = new DueGroups<HostedGroup>(1);
  readonly #writing = new DueGroups<HostedGroup>(2);
  readonly #gathering = new DueGroups<HostedGroup>(4);
  readonly #subscriptions: Disposable[] = [];
  /** All groups write to it. */
  readonly log: NodeLog;
  #repairing: Promise<void> | undefined;
  readonly #transfer: () => SnapshotTransferOptions;
  #transferSettings: TransferSettings | undefined;
  #snapshots: SnapshotTransfer | undefined;
  #opening: Promise<void> | undefined;
  #depth = 0;
  /** The end of this turn is awaited; or it has come. */
  #isTurnDue = false;
  #isTurnOver = false;
  #isDisposed = false;

  /**
   * @param transfer asked once, when it is opened
   * @throws ClusterError `INVALID_OPTIONS` where the storage keeps no logs
   */
  constructor(context: ClusterContext, transfer: () => SnapshotTransferOptions) {
    const { storage, random, logger } = context;
    const store = storage?.log;
    if (storage === undefined || store === undefined)
      throw new ClusterError('INVALID_OPTIONS', 'Raft needs a storage that keeps logs');
    this.context = context;
    this.log = new NodeLog({ store, records: storage.records, random, logger });
    this.#transfer = transfer;
    this.crc32 = context.crc32 ?? crc32;
    this.batches = new EntryBatches(this.crc32);
    this.outbox = new Outbox(context.transport, this.batches, this.crc32);
    this.pulses = new Pulses(context.clock, context.transport);
  }

  /** How it sends and receives snapshots, once it is open. */
  get transferSettings(): TransferSettings | undefined {
    return this.#transferSettings;
  }

  /** @throws ClusterError `CLOSED` before it is open */
  get snapshots(): SnapshotTransfer {
    if (this.#snapshots === undefined) throw new ClusterError('CLOSED', 'the host of Raft groups is not open');
    return this.#snapshots;
  }

  /** Opens the log store and listens. Several calls wait for the same. */
  async open(): Promise<void> {
    this.#opening ??= this.#open();
    await this.#opening;
    await this.#repairing;
  }

  /** @throws ClusterError `INVALID_OPTIONS` when there is a group with its id */
  add(group: HostedGroup): void {
    if (this.#groups.has(group.id)) throw new ClusterError('INVALID_OPTIONS', `there is a group ${group.id} already`);
    this.#groups.set(group.id, group);
  }

  remove(group: HostedGroup): void {
    if (this.#groups.get(group.id) === group) this.#groups.delete(group.id);
    this.#touched.delete(group);
    this.#writing.delete(group);
    this.#gathering.delete(group);
  }

  logOf(group: number): CheckedLog {
    return this.log.group(group);
  }

  /** Whether this group has found damage in the log for which that has to be given up, and may be. */
  isDamaged(group: number): boolean {
    return this.log.mayRepair && this.log.damageIn(group) !== undefined && !this.#isDisposed;
  }

  /** Whether the log is being given up: what fails meanwhile failed for that, and all groups begin anew. */
  get isRepairing(): boolean {
    return this.#repairing !== undefined;
  }

  /**
   * Gives the log up if it `isDamaged`, and has all groups begin anew; or waits until that is done which is under way.
   * Whether it did.
   * @throws ClusterError `IO`: then no group goes on
   */
  async repair(group: number): Promise<boolean> {
    const damage = this.log.damageIn(group);
    if (damage !== undefined && this.isDamaged(group)) {
      this.#repairing ??= this.#replaceLog(damage).finally(() => (this.#repairing = undefined));
    }
    if (this.#repairing === undefined) return false;
    await this.#repairing;
    return true;
  }

  ticker(tickMs: number): Pick<Ticker, 'add' | 'delete'> {
    let ticker = this.#tickers.get(tickMs);
    if (ticker === undefined) {
      ticker = new Ticker(this.context.clock, tickMs, (act) => this.#enter(act));
      this.#tickers.set(tickMs, ticker);
    }
    return ticker;
  }

  /** An input of this group. */
  input(group: HostedGroup, act: () => void): void {
    this.#enter(() => {
      this.#touched.add(group);
      act();
    });
  }

  /** The group has something to propose or to ask when this turn is over. */
  gather(group: HostedGroup): void {
    this.#gathering.add(group);
    this.#deferTurn();
  }

  /** @throws ClusterError as `Transport.request`, or what the group at the peer threw */
  request(
    to: NodeId,
    group: number,
    kind: number,
    body: Uint8Array,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array> {
    const payload = new Uint8Array(REQUEST_HEADER_BYTES + body.length);
    payload[0] = kind;
    new DataView(payload.buffer).setUint32(1, group);
    payload.set(body, REQUEST_HEADER_BYTES);
    return this.context.transport.request(to, messageKind.REPLICATE, payload, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#closing.abort();
    this.pulses.end();
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    await this.#snapshots?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const { transport } = this.context;
    await this.log.open();
    if (this.#isDisposed) return;
    this.#snapshots = this.#openTransfer();
    this.#snapshots.listen();
    this.#subscriptions.push(
      transport.onMessage(messageKind.REPLICATE, (from, payload) => this.#receive(from, payload)),
      transport.onRequest(messageKind.REPLICATE, this.#answer),
      transport.onMessage(messageKind.SYNC, (from, payload) => this.#pulse(from, payload)),
    );
    void this.#followConnections(transport.watch({ signal: this.#closing.signal }));
  }

  #openTransfer(): SnapshotTransfer {
    this.#transferSettings = { ...readTransferOptions('raft-host', {}), ...this.#transfer() };
    return new SnapshotTransfer(this.context, this.#transferSettings, {
      find: (group, formation) => this.#groups.get(group)?.snapshots.logOf(formation),
      accepts: (from, group, _formation, message) => this.#groups.get(group)?.snapshots.accepts(from, message) === true,
      received: async (_from, group, _formation, message, info) =>
        this.#groups.get(group)?.snapshots.received(message, info),
    });
  }

  async #replaceLog(damage: ClusterError): Promise<void> {
    const groups = [...this.#groups.values()];
    for (const group of groups) group.suspend(damage);
    try {
      await this.log.setAside(damage);
    } catch (cause) {
      const error = toClusterError(cause, 'IO', 'set the log aside');
      for (const group of groups) group.failed(error);
      throw error;
    }
    await Promise.all(groups.map((group) => group.resume()));
  }

  #deferTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    this.context.clock.defer(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#isTurnDue = false;
    if (this.#isDisposed) return;
    const groups = this.#gathering.takeAll();
    this.#isTurnOver = true;
    try {
      this.#enter(() => {
        for (const group of groups) {
          this.#touched.add(group);
          group.flush();
        }
      });
    } finally {
      this.#isTurnOver = false;
    }
  };

  /** Inputs within inputs are one. */
  #enter(act: () => void): void {
    this.#depth += 1;
    try {
      act();
      if (this.#depth === 1) this.#settle();
    } finally {
      this.#depth -= 1;
    }
  }

  #settle(): void {
    this.#touched.handOut(this.#process);
    this.#send();
    this.#writing.handOut(this.#write);
    if (!this.#touched.isEmpty) this.#settle();
  }

  readonly #process = (group: HostedGroup): void => {
    group.process();
    this.#writing.add(group);
  };

  readonly #write = (group: HostedGroup): void => {
    if (group.write()) this.#touched.add(group);
  };

  /** What nobody waits for leaves with what this turn brings yet. */
  #send(): void {
    if (this.outbox.isUrgent || this.#isTurnOver) this.outbox.flush();
    else if (!this.outbox.isEmpty) this.#deferTurn();
  }

  #receive(from: NodeId, payload: Uint8Array): void {
    const messages = readFrame(payload, this.crc32);
    this.pulses.heard(from);
    this.#enter(() => {
      for (const received of messages) {
        const group = this.#groups.get(received.group);
        if (group === undefined) continue;
        this.#touched.add(group);
        group.receive(from, received);
      }
    });
  }

  #pulse(from: NodeId, payload: Uint8Array): void {
    const { notices } = decodePulse(payload);
    this.pulses.heard(from);
    for (const notice of notices) this.#groups.get(notice.group)?.mayRest(from, notice);
  }

  async #followConnections(events: ReturnType<Transport['watch']>): Promise<void> {
    for await (const event of events) {
      if (event.type !== 'connected' && event.type !== 'disconnected') continue;
      const { id } = event.peer.node;
      this.pulses.lost(id);
      if (event.type === 'disconnected') for (const group of this.#groups.values()) group.disconnected(id);
    }
  }

  readonly #answer: RequestHandler = async (from, payload, options) => {
    const kind = payload[0];
    if (kind === undefined || payload.length < REQUEST_HEADER_BYTES) {
      throw new ClusterError('PROTOCOL', 'a call to a group is too short');
    }
    const id = new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(1);
    const group = this.#groups.get(id);
    if (group === undefined) throw new ClusterError('NOT_FOUND', `there is no group ${id} here`);
    return group.request(from, kind, payload.subarray(REQUEST_HEADER_BYTES), options);
  };
}
