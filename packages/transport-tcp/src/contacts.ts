import {
  type Address,
  type Backoff,
  type ClusterError,
  type ClusterNode,
  type DisconnectReason,
  formatAddress,
  type NodeId,
  type Timer,
} from '@quorate/core';
import type { Dialler, DialResult } from './dial.ts';
import { refusalError } from './introduction.ts';

/** What the contacts need of the rest of the transport. */
export interface ContactsParts {
  readonly dialler: Dialler;
  isConnected(id: NodeId): boolean;
  connectedAt(address: Address): NodeId | undefined;
  /** A dial failed or was refused. */
  unreachable(address: Address, error: ClusterError): void;
}

/** A peer that was just lost may only be restarting: the first attempt comes within this time. */
const QUICK_RETRY_MS = 100;
const MAX_CONTACTS = 4096;

interface Contact {
  readonly address: Address;
  readonly backoff: Backoff;
  /** Asked for by the user. Otherwise it is where a peer said that it listens. */
  given: boolean;
  /** Who answered there last. */
  id: NodeId | undefined;
  /** At most one of them is there: the wait before an attempt, or what stops the attempt. */
  wait: Timer | undefined;
  attempt: Disposable | undefined;
}

/** The addresses that are tried for ever, until somebody there is connected. */
export class Contacts {
  readonly #parts: ContactsParts;
  readonly #contacts = new Map<string, Contact>();
  #state: 'idle' | 'running' | 'closed' = 'idle';

  constructor(parts: ContactsParts) {
    this.#parts = parts;
  }

  /** Begins to dial. */
  start(): void {
    this.#state = 'running';
    for (const contact of this.#contacts.values()) this.#dial(contact);
  }

  /** False when there are too many. */
  add(address: Address): boolean {
    const known = this.#contacts.get(formatAddress(address));
    if (known !== undefined) {
      known.given = true;
      return true;
    }
    if (this.#contacts.size >= MAX_CONTACTS || this.#state === 'closed') return false;
    this.#dial(this.#make(address, true));
    return true;
  }

  /** The id of who answered there last, if nothing else leads to it now. */
  remove(address: Address): NodeId | undefined {
    const contact = this.#contacts.get(formatAddress(address));
    if (contact === undefined) return undefined;
    this.#drop(contact);
    const { id } = contact;
    return this.#leadingTo(id).length === 0 ? id : undefined;
  }

  isDialling(id: NodeId): boolean {
    return this.#leadingTo(id).some((contact) => contact.attempt !== undefined);
  }

  /** Remembers where the peer listens, so that either side redials. */
  connected(node: ClusterNode): void {
    const key = formatAddress(node);
    for (const contact of this.#leadingTo(node.id)) {
      if (!contact.given && formatAddress(contact.address) !== key) this.#drop(contact);
      else this.#satisfy(contact);
    }
    const contact = this.#contacts.get(key) ?? this.#make({ host: node.host, port: node.port }, false);
    contact.id = node.id;
    this.#satisfy(contact);
  }

  /** Where a peer said that it listens is dialled no longer than the peer is remembered. */
  forgotten(id: NodeId): void {
    for (const contact of this.#leadingTo(id)) if (!contact.given) this.#drop(contact);
  }

  disconnected(node: ClusterNode, reason: DisconnectReason): void {
    for (const contact of this.#leadingTo(node.id)) {
      if ((reason === 'goodbye' || reason === 'released') && !contact.given) this.#drop(contact);
      else if (reason === 'closed' || reason === 'timeout') this.#retry(contact, this.#quickly());
      else this.#retry(contact, contact.backoff.next());
    }
  }

  /** Nothing is dialled any more. */
  close(): void {
    this.#state = 'closed';
    for (const contact of this.#contacts.values()) this.#drop(contact);
  }

  #make(address: Address, given: boolean): Contact {
    const backoff = this.#parts.dialler.backoff();
    const contact: Contact = { address, backoff, given, id: undefined, wait: undefined, attempt: undefined };
    this.#contacts.set(formatAddress(address), contact);
    return contact;
  }

  #drop(contact: Contact): void {
    this.#contacts.delete(formatAddress(contact.address));
    contact.wait?.cancel();
    contact.attempt?.[Symbol.dispose]();
  }

  #leadingTo(id: NodeId | undefined): readonly Contact[] {
    return id === undefined ? [] : [...this.#contacts.values()].filter((contact) => contact.id === id);
  }

  #satisfy(contact: Contact): void {
    contact.wait?.cancel();
    contact.wait = undefined;
    contact.backoff.reset();
  }

  #quickly(): number {
    return this.#parts.dialler.jitter(QUICK_RETRY_MS);
  }

  #retry(contact: Contact, delayMs: number): void {
    if (this.#state !== 'running' || contact.attempt !== undefined || !this.#isCurrent(contact)) return;
    contact.wait?.cancel();
    contact.wait = this.#parts.dialler.after(delayMs, () => {
      contact.wait = undefined;
      this.#dial(contact);
    });
  }

  #dial(contact: Contact): void {
    if (this.#state !== 'running' || contact.attempt !== undefined || this.#isSatisfied(contact)) return;
    contact.attempt = this.#parts.dialler.dial(contact.address, (result) => {
      contact.attempt = undefined;
      if (this.#isCurrent(contact)) this.#dialled(contact, result);
    });
  }

  #isSatisfied(contact: Contact): boolean {
    contact.id = this.#parts.connectedAt(contact.address) ?? contact.id;
    return contact.id !== undefined && this.#parts.isConnected(contact.id);
  }

  #dialled(contact: Contact, result: DialResult): void {
    if (result.type === 'established') {
      contact.id = result.peer.node.id;
      contact.backoff.reset();
    } else if (result.type === 'failed') {
      this.#failed(contact, result.error);
    } else if (result.refusal.reason === 'already-connected') {
      // Perhaps the other connection is only about to be made: then this looks again.
      contact.id = result.peer?.node.id ?? contact.id;
      this.#retry(contact, contact.backoff.next());
    } else if (result.refusal.reason === 'self') {
      // An address, a name above all, may stand for several nodes: next time another of them may answer.
      this.#retry(contact, contact.backoff.next());
    } else {
      this.#failed(contact, refusalError(result.refusal));
    }
  }

  #failed(contact: Contact, error: ClusterError): void {
    this.#retry(contact, contact.backoff.next());
    this.#parts.unreachable(contact.address, error);
  }

  /** Not removed, nor replaced by a later one. */
  #isCurrent(contact: Contact): boolean {
    return this.#contacts.get(formatAddress(contact.address)) === contact;
  }
}
