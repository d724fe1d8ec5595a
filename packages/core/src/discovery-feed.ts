import { type Address, formatAddress } from './address.ts';
import type { NodeId } from './cluster-node.ts';
import type { ClusterContext } from './context.ts';
import type { ContactSink } from './membership.ts';
import type { DiscoverySnapshot } from './discovery.ts';
import { MAX_DISCOVERED_NODES, normalizeNodes } from './normalize-nodes.ts';

interface Contact {
  readonly address: Address;
  id: NodeId | undefined;
}

/** The most sources that are told apart; one adapter that asks several places names each. */
const MAX_SOURCES = 64;

/**
 * Turns what discovery says into contacts of the membership, or else of the transport. Discovery is advisory: it adds contacts, and takes one back
 * only when complete answers of every source that named it no longer do, and nobody is connected there.
 */
export class DiscoveryFeed {
  readonly #context: ClusterContext;
  readonly #seeds: ReadonlySet<string>;
  /** Every address handed on by this feed and not taken back. Seeds are never in it. */
  readonly #contacts = new Map<string, Contact>();
  /** What each source's good answers name. */
  readonly #named = new Map<string, ReadonlySet<string>>();

  constructor(context: ClusterContext, seeds: readonly Address[]) {
    this.#context = context;
    this.#seeds = new Set(seeds.map(formatAddress));
  }

  accept(snapshot: DiscoverySnapshot): void {
    const { logger, transport } = this.#context;
    const onRefused = (reason: string) => logger.warn(`${snapshot.source}: an entry was left out: ${reason}`);
    // Cleaned here too: not every discovery stands on BaseClusterDiscovery.
    const nodes = normalizeNodes(snapshot.nodes, { self: transport.self, onRefused });
    for (const { host, port, id } of nodes) this.#add({ host, port }, id);
    const named = nodes.map(formatAddress);
    const source = this.#named.has(snapshot.source) || this.#named.size < MAX_SOURCES ? snapshot.source : '';
    const before = this.#named.get(source) ?? [];
    const replaces = snapshot.complete && nodes.length > 0 && source !== '';
    this.#named.set(source, new Set(replaces ? named : [...before, ...named].slice(-MAX_DISCOVERED_NODES)));
    if (replaces) this.sweep();
  }

  /** Takes back contacts that no source names any more. To be called when a peer has gone, too. */
  sweep(): void {
    const { logger } = this.#context;
    for (const [text, contact] of this.#contacts) {
      if ([...this.#named.values()].some((named) => named.has(text)) || this.#isConnected(text, contact.id)) continue;
      this.#contacts.delete(text);
      contactsOf(this.#context).removeContact(contact.address);
      logger.info(`${text} is no longer named by discovery: not tried any more`);
    }
  }

  #add(address: Address, id: NodeId | undefined): void {
    const text = formatAddress(address);
    const known = this.#contacts.get(text);
    if (known !== undefined) known.id = id ?? known.id;
    if (known !== undefined || this.#seeds.has(text)) return;
    if (this.#contacts.size >= MAX_DISCOVERED_NODES) {
      this.#context.logger.warn(`${text} was discovered but is not tried: there are ${MAX_DISCOVERED_NODES} contacts`);
      return;
    }
    this.#contacts.set(text, { address, id });
    contactsOf(this.#context).addContact(address);
  }

  #isConnected(text: string, id: NodeId | undefined): boolean {
    const { peers } = this.#context.transport;
    return peers.some(({ node, state }) => state === 'connected' && (node.id === id || formatAddress(node) === text));
  }
}

/** Who decides which of the addresses are dialled. */
export function contactsOf({ membership, transport }: Pick<ClusterContext, 'membership' | 'transport'>): ContactSink {
  return membership.contacts ?? transport;
}
