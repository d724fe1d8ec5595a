import {
  type Address,
  ClusterError,
  formatAddress,
  isLoopback,
  type MembershipContext,
  messageKind,
  type NodeId,
  type RefusedDatagram,
} from '@quorate/core';

import { type DatagramCounts, DatagramPort, MAX_DATAGRAM_BYTES } from './datagram/datagram-port.ts';
import { DatagramSeal } from './datagram/datagram-seal.ts';
import type { Party } from './datagram/party.ts';
import type { SwimMembershipSettings } from './options.ts';
import type { Packet } from './protocol/messages.ts';
import { decodePacket, encodePacket } from './protocol/packet-codec.ts';
import type { Destination } from './protocol/types.ts';
import type { RateLimitedLog } from './rate-limited-log.ts';

/** What a wire needs of the rest. */
export interface PacketWireParts {
  readonly context: MembershipContext;
  readonly settings: SwimMembershipSettings;
  readonly log: RateLimitedLog;
  /** Whether this run of a node may still be heard. */
  readonly accepts: (sender: Party) => boolean;
  /** A packet of whom it says it is from. */
  readonly received: (packet: Packet, address: Address) => void;
  readonly refused: (refused: RefusedDatagram) => void;
}

/** Carries the machine's packets: sealed, over UDP, or by the transport's connections. */
export class PacketWire implements AsyncDisposable {
  /** The most bytes of a packet that fits into a datagram. */
  readonly maxPacketBytes: number;
  readonly #parts: PacketWireParts;
  readonly #port: DatagramPort | undefined;
  readonly #messages: Disposable | undefined;
  #bound: Address | undefined;
  #unreadable = 0;

  constructor(parts: PacketWireParts) {
    const { context, settings, log, accepts } = parts;
    const { clock, crypto, random, crc32, cluster, security, self, incarnation, net } = context;
    this.#parts = parts;
    const seal = new DatagramSeal({
      clock,
      crypto,
      random,
      crc32,
      clusterName: cluster.name,
      keyring: security.keyring,
      self: { id: self.id, run: incarnation },
      maxSessions: 2 * settings.swim.maxMembers,
      accepts,
    });
    this.maxPacketBytes = Math.min(settings.swim.maxPacketBytes, MAX_DATAGRAM_BYTES - seal.overheadBytes);
    if (settings.datagrams === 'udp') {
      const receive = (from: Party, bytes: Uint8Array, at: Address) => this.#receive(from, bytes, at);
      this.#port = new DatagramPort({ net, seal, log, receive, refused: parts.refused });
    } else {
      seal[Symbol.dispose]();
      this.#messages = this.#hearMessages();
    }
  }

  get counts(): DatagramCounts & { readonly unreadable: number } {
    const none = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, refused: {} };
    return { ...(this.#port?.counts ?? none), unreadable: this.#unreadable };
  }

  /** Where others send packets to. To be asked once the transport knows its own address. */
  get address(): Address {
    const { transport, bind } = this.#parts.context;
    const { host, port } = transport.self;
    // What is advertised in place of a fixed port is that of a mapping, which is taken to hold for UDP too.
    const isMapped = this.#parts.settings.port === undefined && bind.port !== 0;
    return { host, port: this.#bound === undefined || isMapped ? port : this.#bound.port };
  }

  /** @throws ClusterError `IO` when the port is taken, `CLOSED` */
  async bind(): Promise<void> {
    const { context, settings } = this.#parts;
    const { host, port } = context.bind;
    this.#bound = await this.#port?.bind({ host, port: settings.port ?? port });
    if (this.#bound === undefined || context.security.keyring !== undefined || isLoopback(host)) return;
    context.logger.warn(
      `membership-swim: datagrams at ${formatAddress(this.#bound)} are neither authenticated nor encrypted, because the cluster ` +
        'is insecure and has no secret: whoever reaches the port can speak for any node',
    );
  }

  /** At most once, and no error. */
  send(to: Destination, packet: Packet): void {
    const payload = encodePacket(packet);
    if (this.#port === undefined) this.#parts.context.transport.send(to.id, messageKind.GOSSIP, payload);
    else this.#port.send({ id: to.id, run: to.incarnation }, to.address, payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#messages?.[Symbol.dispose]();
    await this.#port?.[Symbol.asyncDispose]();
  }

  #hearMessages(): Disposable {
    const { transport } = this.#parts.context;
    return transport.onMessage(messageKind.GOSSIP, (id, payload) => {
      const peer = transport.peer(id);
      if (peer !== undefined) this.#receive({ id, run: peer.incarnation }, payload, peer.node);
    });
  }

  #receive(from: Party, payload: Uint8Array, { host, port }: Address): void {
    const packet = decodePacket(payload);
    if (packet?.sender === from.id && packet.run === from.run) this.#parts.received(packet, { host, port });
    else this.#refuse(from.id, { host, port });
  }

  /** From a node that has shown that it belongs here: of another version, that is. */
  #refuse(id: NodeId, remote: Address): void {
    this.#unreadable += 1;
    const from = `${id} at ${formatAddress(remote)}`;
    const message = `refused a packet from ${from}: it cannot be read, and is of another version, perhaps`;
    if (!this.#parts.log.warn('unreadable', message)) return;
    this.#parts.refused({ remote, error: new ClusterError('REFUSED', message) });
  }
}
