import type {
  Address,
  ClusterError,
  MessageHandler,
  RequestHandler,
  StreamHandler,
  TransportContext,
} from '@quorate/core';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Established } from './handshake.ts';
import { type Handlers, HandlerTable } from './handlers.ts';
import type { Settings } from './options.ts';
import type { Reporter } from './reporter.ts';
import type { StreamGuard } from './stream-guard.ts';
import type { TransportInstruments } from './transport-instruments.ts';

export interface ClientTableParts {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  /** Those that serve clients. */
  readonly requests: HandlerTable<RequestHandler>;
  readonly refused: (remote: Address, error: ClusterError) => void;
}

/**
 * The connections of clients, which are no peers: nothing is sent to them but answers, and of what they send only requests
 * are heard. What they know of the cluster is not learned from them.
 */
export class ClientTable implements ConnectionOwner {
  readonly context: TransportContext;
  readonly settings: Settings;
  readonly guard: StreamGuard;
  readonly reporter: Reporter;
  readonly instruments: TransportInstruments;
  readonly handlers: Handlers;
  readonly refused: ClientTableParts['refused'];
  readonly #connections = new Set<Connection>();

  constructor({ context, settings, guard, reporter, instruments, requests, refused }: ClientTableParts) {
    this.context = context;
    this.settings = settings;
    this.guard = guard;
    this.reporter = reporter;
    this.instruments = instruments;
    this.refused = refused;
    const messages = new HandlerTable<MessageHandler>();
    this.handlers = { messages, requests, streams: new HandlerTable<StreamHandler>() };
  }

  get hasRoom(): boolean {
    return this.#connections.size < this.settings.maxClients;
  }

  /** Of a handshake that was admitted. */
  take(established: Established): void {
    const connection = new Connection(this, established);
    this.#connections.add(connection);
    // What is accepted may have changed since the stream was secured.
    connection.reauthenticate();
  }

  reauthenticate(): void {
    for (const connection of this.#connections) connection.reauthenticate();
  }

  close(): void {
    for (const connection of this.#connections) connection.close('leaving', 'local');
  }

  ended(connection: Connection): void {
    this.#connections.delete(connection);
  }

  identified(): void {
    // A client is no source for that.
  }

  described(): void {
    // Nobody is shown clients.
  }
}
