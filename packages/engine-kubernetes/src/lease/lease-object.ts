import type { CallOptions, Clock } from '@quorate/core';
import { isClusterError } from '@quorate/core';

import type { KubernetesClient } from '../client.ts';
import { followObjects } from '../follow-objects.ts';
import type { KubernetesObject, ObjectList } from '../object.ts';
import type { Selection } from '../resource.ts';
import { statusOf } from '../status.ts';
import type { LeaseObservation } from './lease-observation.ts';
import { LEASES, newLease, readVersion } from './lease-record.ts';

/** One Lease object of the API: read, followed and written, and all that comes of it taken into one observation. */
export class LeaseObject {
  readonly name: string;
  readonly observation: LeaseObservation;
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #namespace: () => Promise<string>;

  constructor(
    name: string,
    parts: {
      readonly client: KubernetesClient;
      readonly clock: Clock;
      readonly namespace: () => Promise<string>;
      readonly observation: LeaseObservation;
    },
  ) {
    this.name = name;
    this.observation = parts.observation;
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.#namespace = parts.namespace;
  }

  /** Asks for its state of now: a list of this name tells its version also where there is no object. */
  async read({ signal }: CallOptions): Promise<void> {
    const known = this.observation.version;
    const list = await this.#client.list(LEASES, await this.#selection(), { limit: 1, signal });
    this.#listed(list, known);
  }

  /** Takes in every change until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const known = this.observation.version;
    let isFirst = true;
    const follower = {
      listed: (list: ObjectList): void => {
        this.#listed(list, isFirst ? known : undefined);
        isFirst = false;
      },
      changed: (object: KubernetesObject, gone: boolean): void => {
        if (object.metadata.name !== this.name) return;
        const version = readVersion(object.metadata.resourceVersion);
        this.observation.sawNext(gone ? undefined : object, version, this.#clock.now());
      },
      confirmed: (): void => undefined,
    };
    await followObjects(this.#client, LEASES, await this.#selection(), follower, { signal });
  }

  /**
   * Writes it in the place of the one that was seen last, undefined where there was none.
   * @returns what is stored now, or undefined when that one has changed meanwhile
   */
  async write(
    change: (object: KubernetesObject) => KubernetesObject,
    options: CallOptions,
  ): Promise<KubernetesObject | undefined> {
    const { object } = this.observation;
    const namespace = await this.#namespace();
    try {
      if (object === undefined)
        return await this.#client.create(LEASES, namespace, change(newLease(this.name)), options);
      return await this.#client.update(LEASES, namespace, change(object), options);
    } catch (error) {
      const isGone = object !== undefined && isClusterError(error, 'NOT_FOUND');
      if (isGone || statusOf(error)?.code === 409) return undefined;
      throw error;
    }
  }

  /** @param known the newest version that was known when it was asked: what is older, the server has gone back to */
  #listed({ items, resourceVersion }: ObjectList, known: bigint | undefined): void {
    const version = readVersion(resourceVersion);
    if (known !== undefined && version < known) this.observation.wentBack();
    const object = items.find(({ metadata }) => metadata.name === this.name);
    this.observation.saw(object, version, this.#clock.now());
  }

  async #selection(): Promise<Selection> {
    return { namespace: await this.#namespace(), fieldSelector: `metadata.name=${this.name}` };
  }
}
