import {
  type Address,
  ClusterError,
  formatAddress,
  type Listener,
  type Socket,
  type SocketHandler,
  toClusterError,
} from '@quorate/core';
import { type Gatekeeper, Handshake, type HandshakeResult } from './handshake.ts';
import { refusal, refusalError } from './introduction.ts';
import type { LinkSet } from './link-set.ts';

/** Takes connections in. Strangers cost no more than `maxPendingConnections` small buffers and timers. */
export class Acceptor {
  readonly #gate: Gatekeeper;
  readonly #links: LinkSet;
  readonly #onRefused: (remote: Address, error: ClusterError) => void;
  /** Handshakes under way, the oldest first. */
  readonly #pending = new Set<Handshake>();
  #listener: Listener | undefined;
  #closed = false;

  constructor(gate: Gatekeeper, links: LinkSet, onRefused: (remote: Address, error: ClusterError) => void) {
    this.#gate = gate;
    this.#links = links;
    this.#onRefused = onRefused;
  }

  /**
   * Resolves to the bound address.
   * @throws ClusterError `IO`, `CLOSED`
   */
  async listen(address: Address): Promise<Address> {
    const { context, guard, settings } = this.#gate;
    const listener = await context.net.listen(address, (socket) => this.#accept(socket), {
      security: guard.security,
      maxHandshakes: settings.maxPendingConnections,
      handshakeTimeoutMs: settings.handshakeTimeoutMs,
      refused: (remote, error) => this.#refusedByNet(remote, error),
    });
    if (this.#closed) {
      await listener[Symbol.asyncDispose]();
      throw new ClusterError('CLOSED', 'the transport was disposed while it started');
    }
    this.#listener = listener;
    return listener.address;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const handshake of this.#pending) handshake.refuse(refusal('busy', 'this node is stopping'));
    await this.#listener?.[Symbol.asyncDispose]();
  }

  #accept(socket: Socket): SocketHandler {
    const { remote } = socket;
    const link = this.#links.make(remote);
    link.attach(socket);
    if (this.#closed || !this.#isSecured(socket)) {
      link.destroy();
      return link.handler;
    }
    this.#makeRoom();
    const handshake: Handshake = new Handshake(this.#gate, link, remote, (result) => {
      this.#pending.delete(handshake);
      this.#ended(remote, result);
    });
    this.#pending.add(handshake);
    return link.handler;
  }

  #isSecured({ remote, secured }: Socket): boolean {
    try {
      this.#gate.guard.check(secured);
      return true;
    } catch (error) {
      this.#refusedByNet(remote, toClusterError(error, 'REFUSED', 'the stream is not secured'));
      return false;
    }
  }

  /** Before anything of it was read. */
  #refusedByNet(remote: Address, error: ClusterError): void {
    if (this.#closed) return;
    const text = `refused a connection from ${formatAddress(remote)}: ${error.message}`;
    this.#onRefused(remote, new ClusterError(error.code, text, { cause: error }));
  }

  /** The oldest goes: one that means it would have been done long ago. */
  #makeRoom(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined || this.#pending.size < this.#gate.settings.maxPendingConnections) return;
    oldest.refuse(refusal('busy', 'too many connections have not finished their handshake'));
  }

  #ended(remote: Address, result: HandshakeResult): void {
    if (result.type === 'refused') this.#refused(remote, result);
    // Who merely went away was not refused.
    else if (result.type === 'failed' && isRefusal(result.error)) this.#onRefused(remote, result.error);
  }

  #refused(remote: Address, { refusal: { reason, message } }: Extract<HandshakeResult, { type: 'refused' }>): void {
    if (reason === 'already-connected' || reason === 'self' || this.#closed) return;
    const text = `refused a connection from ${formatAddress(remote)}: ${message}`;
    this.#onRefused(remote, refusalError({ reason, message: text }));
  }
}

/** It took too long, or what came was altered on the way. */
function isRefusal({ code }: ClusterError): boolean {
  return code === 'TIMEOUT' || code === 'PROTOCOL';
}
