import {
  type Address,
  ClusterError,
  type ListenOptions,
  type Random,
  type Socket,
  type SocketHandler,
  type StreamSecurity,
} from '@quorate/core';

import type { Engine } from './engine.ts';
import type { SimulatedProcess } from './process.ts';
import { SecureHandshake } from './secure-handshake.ts';
import { SecuredSocket } from './secured-socket.ts';
import type { SimulatedSocket } from './sim-socket.ts';

interface AcceptorParts {
  readonly engine: Engine;
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly wallTime: () => number;
}

/** Hands on streams whose peers have shown what is asked for. Those under way are bounded in number and time. */
export class SecureAcceptor {
  readonly #parts: AcceptorParts;
  readonly #security: StreamSecurity;
  readonly #options: ListenOptions;
  readonly #accept: (socket: Socket) => SocketHandler;
  /** The oldest first. */
  readonly #pending = new Set<SecureHandshake>();

  constructor(
    parts: AcceptorParts,
    security: StreamSecurity,
    options: ListenOptions,
    accept: (socket: Socket) => SocketHandler,
  ) {
    this.#parts = parts;
    this.#security = security;
    this.#options = options;
    this.#accept = accept;
  }

  take(socket: SimulatedSocket): SocketHandler {
    const { engine, process, random, wallTime } = this.#parts;
    this.#makeRoom();
    const { remote } = socket;
    const handshake: SecureHandshake = SecureHandshake.answer({
      socket,
      security: this.#security,
      random,
      wallTime,
      secured: (secured) => {
        over();
        return this.#accept(new SecuredSocket(socket, secured));
      },
      failed: (error) => {
        over();
        this.#refuse(remote, error);
      },
      gone: () => over(),
    });
    const { handshakeTimeoutMs = 5000 } = this.#options;
    const late = engine.enterAt(engine.now + handshakeTimeoutMs, process, () =>
      handshake.fail(new ClusterError('TIMEOUT', 'no handshake within its time')),
    );
    const over = (): void => {
      this.#pending.delete(handshake);
      engine.cancel(late);
    };
    this.#pending.add(handshake);
    return handshake.handler;
  }

  #makeRoom(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined || this.#pending.size < (this.#options.maxHandshakes ?? 128)) return;
    oldest.fail(new ClusterError('OVERLOADED', 'too many connections have not finished their handshake'));
  }

  #refuse(remote: Address, error: ClusterError): void {
    this.#options.refused?.(remote, error);
  }
}
