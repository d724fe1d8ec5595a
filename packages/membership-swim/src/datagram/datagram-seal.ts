import { type Clock, crc32, type Crc32, type Crypto, type Keyring, type Random } from '@quorate/core';

import {
  beginHeader,
  completeHeader,
  type DatagramHeader,
  HEADER_BYTES,
  MAX_COUNTER,
  type Protection,
  readHeader,
  sessionName,
} from './datagram-header.ts';
import { DatagramKeys } from './datagram-keys.ts';
import { FailedOpenings } from './failed-openings.ts';
import { decodeParty, encodeParty, type Party, partyBytes } from './party.ts';
import { type Receiver, Receivers } from './receivers.ts';
import { Sessions } from './sessions.ts';

/** Why a datagram was not believed. */
export type DatagramRefusal =
  /** It doesn't begin as one of Quorate's. */
  | 'not-ours'
  /** Of another version of this format. */
  | 'version'
  /** In clear, where all must be sealed; or sealed, where there is no secret. */
  | 'protection'
  /** Sealed with a secret that isn't accepted, or for a cluster of another name. */
  | 'unknown-key'
  /** For another node, or an earlier run of this one. */
  | 'misaddressed'
  /** It came before. */
  | 'replayed'
  /** So late that it cannot be told whether it came before. */
  | 'too-old'
  /** Not as its sender made it. */
  | 'altered'
  /** Only opening it could tell, and too many of late were altered; and it doesn't come from where its session last did. */
  | 'flooded'
  /** It names no sender, or another than its session did before. */
  | 'sender'
  /** From a run of a node that has ended. */
  | 'stale';

export type OpenedDatagram =
  | { readonly from: Party; readonly payload: Uint8Array }
  | { readonly refused: DatagramRefusal };

export interface DatagramSealOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly crc32?: Crc32 | undefined;
  readonly clusterName: string;
  /** Undefined: datagrams have a checksum only. */
  readonly keyring: Keyring | undefined;
  readonly self: Party;
  /** How many senders are told apart at a time. */
  readonly maxSessions: number;
  /** Whether this run of a node may still be heard. */
  accepts(sender: Party): boolean;
}

const TAG_BYTES = 16;
const CRC_BYTES = 4;
const NONCE_BYTES = 12;

/**
 * Seals datagrams and opens them. With a keyring: AES-256-GCM, a key for each secret, cluster name and session, the
 * counter as nonce; header, cluster name and receiver are authenticated as well. Without: a checksum over the same, which
 * tells accidents, not attacks.
 */
export class DatagramSeal implements Disposable {
  /** What a datagram has beside its payload. */
  readonly overheadBytes: number;
  readonly #options: DatagramSealOptions;
  readonly #keys: DatagramKeys | undefined;
  readonly #crc32: Crc32;
  readonly #session: string;
  readonly #sender: Uint8Array;
  readonly #receiver: Receiver;
  readonly #receivers: Receivers;
  readonly #ownHeader: Uint8Array;
  readonly #clusterId: number;
  readonly #sessions: Sessions;
  readonly #failures: FailedOpenings;
  /** Of the secret in use when the last datagram was sealed. */
  #own: { readonly secret: string; readonly key: Uint8Array } | undefined;
  #counter = 0;

  constructor(options: DatagramSealOptions) {
    const { crypto, random, keyring, clusterName, self, maxSessions } = options;
    this.#options = options;
    this.#crc32 = options.crc32 ?? crc32;
    this.#keys = keyring === undefined ? undefined : new DatagramKeys(crypto, keyring, clusterName);
    this.#session = sessionName(random.int(2 ** 32), random.int(2 ** 32));
    this.#ownHeader = beginHeader({ protection: this.#protection, session: this.#session });
    this.#sender = encodeParty(self);
    const name = new TextEncoder().encode(clusterName);
    // Its length before it: what follows cannot be taken for a part of it.
    const clusterBytes = join(Uint8Array.of(name.length >>> 8, name.length & 0xff), name);
    this.#clusterId = this.#crc32(clusterBytes);
    this.#receivers = new Receivers(clusterBytes, this.#crc32);
    this.#receiver = this.#receivers.get(self);
    this.#sessions = new Sessions(maxSessions);
    this.#failures = new FailedOpenings(options.clock);
    this.overheadBytes = HEADER_BYTES + partyBytes(self) + (this.#keys === undefined ? CRC_BYTES : TAG_BYTES);
  }

  seal(to: Party, payload: Uint8Array): Uint8Array {
    if (this.#counter >= MAX_COUNTER) throw new RangeError('the counter of datagrams is used up');
    this.#counter += 1;
    const receiver = this.#receivers.get(to);
    const associated = join(this.#ownHeader, receiver.bytes);
    const keyId = this.#keys?.inUse.keyId ?? this.#clusterId;
    completeHeader(associated, { keyId, receiver: receiver.tag, counter: this.#counter });
    return join(associated.subarray(0, HEADER_BYTES), this.#protect(associated, join(this.#sender, payload)));
  }

  /** @param source the address that it comes from, as a text */
  open(datagram: Uint8Array, source: string): OpenedDatagram {
    const header = readHeader(datagram);
    if (typeof header === 'string') return { refused: header };
    const known = this.#sessions.get(header.session);
    const early = this.#objection(header) ?? refusalOf(known?.window.judge(header.counter) ?? 'new');
    if (early !== undefined) return { refused: early };
    // A checksum costs no more than to refuse it.
    const isDear = this.#keys !== undefined && known?.source !== source;
    if (isDear && this.#failures.areTooMany) return { refused: 'flooded' };
    const content = this.#unprotect(header, datagram);
    if (content === 'altered') {
      this.#failures.count();
      return { refused: content };
    }
    const from = decodeParty(content.bytes);
    if (from === undefined) return { refused: 'sender' };
    if (known !== undefined && (known.sender.id !== from.id || known.sender.run !== from.run)) {
      return { refused: 'sender' };
    }
    if (!this.#options.accepts(from)) return { refused: 'stale' };
    const session = this.#sessions.use(header.session, from);
    if (content.opened !== undefined) session.opened = content.opened;
    session.source = source;
    session.window.mark(header.counter);
    return { from, payload: content.bytes.subarray(partyBytes(from)) };
  }

  [Symbol.dispose](): void {
    this.#keys?.[Symbol.dispose]();
  }

  get #protection(): Protection {
    return this.#keys === undefined ? 'checksum' : 'sealed';
  }

  /** What can be told without opening it. */
  #objection({ protection, keyId, receiver, counter }: DatagramHeader): DatagramRefusal | undefined {
    if (protection !== this.#protection) return 'protection';
    const isKnown = this.#keys === undefined ? keyId === this.#clusterId : this.#keys.withId(keyId).length > 0;
    if (!isKnown) return 'unknown-key';
    if (receiver !== this.#receiver.tag) return 'misaddressed';
    return counter === 0 ? 'altered' : undefined;
  }

  #protect(associated: Uint8Array, content: Uint8Array): Uint8Array {
    if (this.#keys === undefined) return join(content, this.#checksum(associated, content));
    const { inUse } = this.#keys;
    if (this.#own?.secret !== inUse.secret) {
      this.#own = { secret: inUse.secret, key: this.#keys.derive(inUse, this.#session) };
    }
    return this.#options.crypto.seal(this.#own.key, nonceOf(this.#counter), associated, content);
  }

  #unprotect(header: DatagramHeader, datagram: Uint8Array): Unprotected | 'altered' {
    const associated = join(datagram.subarray(0, HEADER_BYTES), this.#receiver.bytes);
    const body = datagram.subarray(HEADER_BYTES);
    if (this.#keys !== undefined) return this.#decrypt(this.#keys, header, associated, body);
    const content = body.subarray(0, Math.max(0, body.length - CRC_BYTES));
    const expected = this.#checksum(associated, content);
    const given = body.subarray(content.length);
    const isWhole = given.length === CRC_BYTES && expected.every((byte, at) => byte === given[at]);
    return isWhole ? { bytes: content, opened: undefined } : 'altered';
  }

  #decrypt(
    keys: DatagramKeys,
    { keyId, session, counter }: DatagramHeader,
    associated: Uint8Array,
    body: Uint8Array,
  ): Unprotected | 'altered' {
    const nonce = nonceOf(counter);
    const known = this.#sessions.get(session)?.opened;
    for (const candidate of keys.withId(keyId)) {
      const { secret } = candidate;
      const key = known?.secret === secret ? known.key : keys.derive(candidate, session);
      const bytes = this.#options.crypto.open(key, nonce, associated, body);
      if (bytes !== undefined) return { bytes, opened: { secret, key } };
    }
    return 'altered';
  }

  #checksum(associated: Uint8Array, content: Uint8Array): Uint8Array {
    const sum = this.#crc32(content, this.#crc32(associated));
    return Uint8Array.of(sum >>> 24, (sum >>> 16) & 0xff, (sum >>> 8) & 0xff, sum & 0xff);
  }
}

interface Unprotected {
  readonly bytes: Uint8Array;
  /** With what; undefined where nothing is sealed. */
  readonly opened: { readonly secret: string; readonly key: Uint8Array } | undefined;
}

function refusalOf(judged: 'new' | 'replayed' | 'too-old'): DatagramRefusal | undefined {
  return judged === 'new' ? undefined : judged;
}

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(counter / 2 ** 32));
  view.setUint32(8, counter % 2 ** 32);
  return nonce;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
