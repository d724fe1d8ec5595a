import type { Crc32, NodeId } from '@quorate/core';

import { encodeParty, type Party } from './party.ts';

/** Whom datagrams are for, in the form in which they say so. */
export interface Receiver {
  readonly run: number;
  /** The cluster's name and the party: what is authenticated beside the header. */
  readonly bytes: Uint8Array;
  /** In clear in the header: tells a datagram for somebody else from one that was altered. */
  readonly tag: number;
}

/** Most datagrams go to those of the last seconds. */
const MAX_KEPT = 1024;

/** Remembers what was last made for each receiver. */
export class Receivers {
  readonly #clusterName: Uint8Array;
  readonly #crc32: Crc32;
  readonly #kept = new Map<NodeId, Receiver>();

  constructor(clusterName: Uint8Array, crc32: Crc32) {
    this.#clusterName = clusterName;
    this.#crc32 = crc32;
  }

  get(party: Party): Receiver {
    const known = this.#kept.get(party.id);
    if (known?.run === party.run) return known;
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const encoded = encodeParty(party);
    const bytes = new Uint8Array(this.#clusterName.length + encoded.length);
    bytes.set(this.#clusterName);
    bytes.set(encoded, this.#clusterName.length);
    const receiver = { run: party.run, bytes, tag: this.#crc32(encoded) };
    this.#kept.set(party.id, receiver);
    return receiver;
  }
}
