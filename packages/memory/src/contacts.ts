import {
  type Address,
  Backoff,
  type BackoffOptions,
  type Clock,
  formatAddress,
  type NodeId,
  type Random,
  type Timer,
} from '@quorate/core';

import type { Link } from './link.ts';

/** An address that is to be connected to. */
export interface Contact {
  readonly address: Address;
  readonly backoff: Backoff;
  /** Who answered there last. */
  nodeId: NodeId | undefined;
  /** The dial under way. */
  link: Link | undefined;
  /** The next attempt, while one is due. */
  timer: Timer | undefined;
}

/** The addresses that are tried for ever, each with its own delays. */
export class Contacts {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffOptions;
  readonly #dial: (contact: Contact) => void;
  readonly #contacts = new Map<string, Contact>();

  constructor(clock: Clock, random: Random, backoff: BackoffOptions, dial: (contact: Contact) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#backoff = backoff;
    this.#dial = dial;
  }

  get all(): Iterable<Contact> {
    return this.#contacts.values();
  }

  /** Undefined when it is there already. */
  add(address: Address): Contact | undefined {
    const key = formatAddress(address);
    if (this.#contacts.has(key)) return undefined;
    const backoff = new Backoff(this.#random, this.#backoff);
    const contact = { address, backoff, nodeId: undefined, link: undefined, timer: undefined };
    this.#contacts.set(key, contact);
    return contact;
  }

  remove(address: Address): Contact | undefined {
    const key = formatAddress(address);
    const contact = this.#contacts.get(key);
    this.#contacts.delete(key);
    contact?.timer?.cancel();
    return contact;
  }

  at(address: Address): Contact | undefined {
    return this.#contacts.get(formatAddress(address));
  }

  /** The contact whose dial the link is. */
  dialledBy(link: Link): Contact | undefined {
    for (const contact of this.all) if (contact.link === link) return contact;
    return undefined;
  }

  has(contact: Contact): boolean {
    return this.#contacts.get(formatAddress(contact.address)) === contact;
  }

  isDialling(id: NodeId): boolean {
    for (const contact of this.all) if (contact.nodeId === id && contact.link !== undefined) return true;
    return false;
  }

  /** Dials after the contact's next delay. */
  retry(contact: Contact): void {
    if (!this.has(contact) || contact.timer !== undefined) return;
    contact.timer = this.#clock.setTimer(contact.backoff.next(), () => {
      contact.timer = undefined;
      this.#dial(contact);
    });
  }

  /** Those at which this node answered last. */
  retryAll(id: NodeId): void {
    for (const contact of this.all) if (contact.nodeId === id && contact.link === undefined) this.retry(contact);
  }

  clear(): void {
    for (const contact of this.all) contact.timer?.cancel();
    this.#contacts.clear();
  }
}
