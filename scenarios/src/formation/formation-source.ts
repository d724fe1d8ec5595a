import type { DiscoveredNode } from '@quorate/core';
import type { Host, World } from '@quorate/simulator';
import type { FormationCharacter } from './formation-character.ts';
import type { ClaimFate, Telling, ToldSource } from './told-discovery.ts';

export const PORT = 7000;
/** Of the margin: how late an honest source may name a node, and how long it may take to answer. */
const HONEST_LAG = 0.5;
const HONEST_DELAY = 0.25;
const MAX_DELAY_MS = 3000;
const MAX_CLAIM_MS = 1500;
/** A machine that is none. */
const NOWHERE = '10.9.9.9';

/** What the nodes of one life are told. */
export class FormationSource implements ToldSource {
  readonly claims?: NonNullable<ToldSource['claims']>;
  readonly #world: World;
  readonly #character: FormationCharacter;
  /** By asker; what is not there is told honestly. */
  readonly #tales = new Map<string, Telling>();
  /** When a node is first named, once it was started. */
  readonly #namedFrom = new Map<string, number>();
  #isTroubled = true;

  constructor(world: World, character: FormationCharacter) {
    this.#world = world;
    this.#character = character;
    if (character.ground === 'claim') this.claims = { value: undefined, fate: () => this.#fate() };
  }

  started(host: Host): void {
    if (this.#namedFrom.has(host.name)) return;
    const lag = this.#world.random.next() * HONEST_LAG * this.#character.marginMs;
    this.#namedFrom.set(host.name, this.#world.now + lag);
  }

  tell(asker: string): Telling {
    return this.#tales.get(asker) ?? this.#truth();
  }

  /** Tells this node something else from now on, where a source may. */
  disturb(host: Host): void {
    if (this.#character.ground !== 'honest source') this.mislead(host);
  }

  /** These hear of each other, and of nobody else. */
  confine(crew: readonly Host[]): void {
    for (const { name } of crew) {
      const nodes = crew.map((host) => this.#node(host));
      this.#tales.set(name, { nodes, delayMs: this.#world.random.next() * 20, fails: false });
    }
  }

  mislead({ name }: Host): void {
    const { hosts, random } = this.#world;
    const named = random.next();
    const nodes = hosts.filter(() => random.next() < named).map((host) => this.#node(host, this.#world.chance(0.05)));
    if (this.#world.chance(0.1)) nodes.push({ host: NOWHERE, port: PORT });
    const delayMs = this.#world.chance(0.3) ? random.next() * MAX_DELAY_MS : random.next() * 20;
    this.#tales.set(name, { nodes, delayMs, fails: this.#world.chance(0.1) });
  }

  /** From now on all hear the truth. */
  settle(): void {
    this.#tales.clear();
    this.#isTroubled = false;
  }

  #truth(): Telling {
    const { hosts, now, random } = this.#world;
    const nodes = hosts
      .filter(({ name }) => now >= (this.#namedFrom.get(name) ?? Infinity))
      .map((host) => this.#node(host));
    const delayMs = random.next() * (this.#isTroubled ? HONEST_DELAY * this.#character.marginMs : 20);
    // A source that fails has not told anybody anything: that is no lie.
    const fails = this.#isTroubled && this.#world.chance(0.05);
    return { nodes, delayMs, fails };
  }

  /** @param isMistaken gives it another node's id */
  #node(host: Host, isMistaken = false): DiscoveredNode {
    const { hosts, random } = this.#world;
    const { name } = isMistaken ? (hosts[random.int(hosts.length)] as Host) : host;
    return { host: host.address, port: PORT, ...(this.#character.namesIds && { id: name }) };
  }

  #fate(): ClaimFate {
    const { random } = this.#world;
    if (!this.#isTroubled) return { thereMs: 1, backMs: 1, lost: undefined };
    const lost = this.#world.chance(0.2) ? (this.#world.chance(0.5) ? 'there' : 'back') : undefined;
    const most = this.#world.chance(0.3) ? MAX_CLAIM_MS : 20;
    return { thereMs: random.next() * most, backMs: random.next() * most, lost };
  }
}
