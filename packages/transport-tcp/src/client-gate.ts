import type { ClusterNode, MessageHandler, RequestHandler, StreamHandler, TransportContext } from '@quorate/core';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Established, Gatekeeper } from './handshake.ts';
import { type Handlers, HandlerTable } from './handlers.ts';
import { type Introduction, type Refusal } from './introduction.ts';
import type { Settings } from './options.ts';
import { Reporter } from './reporter.ts';
import { StreamGuard } from './stream-guard.ts';
import type { TransportInstruments } from './transport-instruments.ts';

/** The client's end: it has one connection, which it has dialled, and takes nothing from the node but answers. */
export class ClientGate implements Gatekeeper, ConnectionOwner {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  readonly party = 'client';
  readonly handlers: Handlers = {
    messages: new HandlerTable<MessageHandler>(),
    requests: new HandlerTable<RequestHandler>(),
    streams: new HandlerTable<StreamHandler>(),
  };
  #connection: Connection | undefined;

  constructor(context: TransportContext, settings: Settings, instruments: TransportInstruments) {
    this.context = context;
    this.settings = settings;
    this.instruments = instruments;
    this.guard = new StreamGuard(context);
    this.reporter = new Reporter(context.clock, context.logger);
  }

  /** While it stands. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  get self(): ClusterNode {
    return this.context.self;
  }

  isConnected(): boolean {
    return false;
  }

  challenge(_peer: Introduction, answer: (refused: Refusal | undefined) => void): void {
    answer(undefined);
  }

  admit(): undefined {
    return undefined;
  }

  claim(): undefined {
    return undefined;
  }

  welcomed(): void {
    // Only who accepts welcomes.
  }

  establish(established: Established): void {
    const { clusterId } = established.peer;
    if (clusterId !== undefined) this.identified(clusterId);
    this.#connection = new Connection(this, established);
    this.#connection.reauthenticate();
  }

  refused(): void {
    // Whoever asked is told that the connection has ended.
  }

  ended(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  identified(clusterId: string): void {
    if (this.context.cluster.id === undefined) this.context.cluster.adopt(clusterId);
  }

  described(): void {
    // Nodes tell their peers.
  }
}
