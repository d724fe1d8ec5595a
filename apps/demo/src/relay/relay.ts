import { DatagramMesh, ProxyMesh } from '@quorate/test-servers';
import type { NodeId } from '@quorate/core';

/** How often ports are tried that are free for streams, and may be taken for datagrams. */
const ATTEMPTS = 5;

/**
 * What stands between the nodes of the demo: all that they send each other goes through it, streams and datagrams, so that
 * they can be cut off from each other.
 */
export class Relay implements AsyncDisposable {
  readonly #ids: readonly NodeId[];
  readonly #streams: ProxyMesh;
  readonly #datagrams: DatagramMesh;
  #groups: readonly (readonly NodeId[])[];

  private constructor(ids: readonly NodeId[], streams: ProxyMesh, datagrams: DatagramMesh) {
    this.#ids = ids;
    this.#streams = streams;
    this.#datagrams = datagrams;
    this.#groups = [ids];
  }

  /** @param ports on which the nodes listen */
  static async create(ports: ReadonlyMap<NodeId, number>): Promise<Relay> {
    for (let attempt = 1; ; attempt += 1) {
      const streams = await ProxyMesh.create(ports);
      try {
        return new Relay([...ports.keys()], streams, await DatagramMesh.create(ports, streams));
      } catch (error) {
        await streams[Symbol.asyncDispose]();
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Who reaches whom; one group: everybody. */
  get groups(): readonly (readonly NodeId[])[] {
    return this.#groups;
  }

  /** Where `from` has to send to instead: by the port on which another listens, that of the relay. */
  routesOf(from: NodeId): ReadonlyMap<number, number> {
    return this.#streams.routesOf(from);
  }

  /**
   * From now on only nodes of one group reach each other; those that no group names are a group of their own. What is under
   * way between groups is held, as by a network that is broken, until this ends: nobody is told.
   */
  partition(groups: readonly (readonly NodeId[])[]): void {
    const named = new Set(groups.flat());
    const rest = this.#ids.filter((id) => !named.has(id));
    this.#groups = [...groups, rest].filter((group) => group.length > 0);
    for (const from of this.#ids) for (const to of this.#ids) if (from !== to) this.#join(from, to);
  }

  /** What is held passes, and everybody reaches everybody. */
  heal(): void {
    this.#groups = [this.#ids];
    this.#streams.healAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#datagrams[Symbol.asyncDispose]();
    await this.#streams[Symbol.asyncDispose]();
  }

  #join(from: NodeId, to: NodeId): void {
    const isOne = this.#groups.some((group) => group.includes(from) && group.includes(to));
    if (isOne) this.#streams.heal(from, to);
    else this.#streams.set(from, to, { type: 'black-hole' });
  }
}
