import { type CallOptions, ClusterError } from '@quorate/core';

import { type KubernetesClient, SHORTEST_WATCH_MS } from './client.ts';
import type { KubernetesObject, ObjectList } from './object.ts';
import type { KubernetesResource, Selection } from './resource.ts';
import { isExpired } from './status.ts';

/** The most objects of one list. */
export const MAX_OBJECTS = 20_000;
const PAGE_ITEMS = 500;

/**
 * All objects of a selection, page by page. When a page's place has expired meanwhile it begins anew, once.
 * @throws ClusterError `OVERLOADED` beyond `MAX_OBJECTS`
 */
export async function listAll(
  client: KubernetesClient,
  resource: KubernetesResource,
  selection: Selection,
  options: CallOptions = {},
): Promise<ObjectList> {
  try {
    return await listPages(client, resource, selection, options);
  } catch (error) {
    if (!isExpired(error)) throw error;
    return listPages(client, resource, selection, options);
  }
}

async function listPages(
  client: KubernetesClient,
  resource: KubernetesResource,
  selection: Selection,
  { signal }: CallOptions,
): Promise<ObjectList> {
  const items: KubernetesObject[] = [];
  const refused: string[] = [];
  for (let next: string | undefined; ;) {
    const page = await client.list(resource, selection, { limit: PAGE_ITEMS, next, signal });
    items.push(...page.items);
    refused.push(...page.refused);
    if (items.length + refused.length > MAX_OBJECTS) {
      throw new ClusterError('OVERLOADED', `kubernetes: more than ${MAX_OBJECTS} ${resource.plural} are selected`);
    }
    // The version of the first page holds for all: later ones continue what it was read from.
    if (page.next === undefined) return { items, refused, resourceVersion: page.resourceVersion };
    if (page.items.length === 0)
      throw new ClusterError('PROTOCOL', 'kubernetes: a page of a list is empty, and not the last');
    next = page.next;
  }
}

/** What `followObjects` tells. Objects are known by name. */
export interface ObjectsFollower {
  /** All objects, as they are: at first, and whenever the server no longer knows what changed since. */
  listed(list: ObjectList): void;
  /** One has changed, or is gone. */
  changed(object: KubernetesObject, gone: boolean): void;
  /** The connection has just proven that the last known state still holds. */
  confirmed(): void;
}

/**
 * Lists the objects of a selection and tells of their changes until the signal aborts. Watches that the server ends are
 * renewed from where they ended; when it has forgotten that point it is listed again.
 * @throws ClusterError whatever fails otherwise; to be called again, after a while, by whoever wants to go on
 */
export async function followObjects(
  client: KubernetesClient,
  resource: KubernetesResource,
  selection: Selection,
  follower: ObjectsFollower,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  let expiredWithoutProgress = false;
  while (!signal.aborted) {
    const list = await listAll(client, resource, selection, { signal });
    const listedAt = client.clock.now();
    follower.listed(list);
    const watching = new Watching(client, resource, selection, follower, list.resourceVersion);
    try {
      for (;;) await watching.once(signal);
    } catch (error) {
      // A server that calls even the version of a fresh list too old would be asked without a pause, also where it tells of
      // a change each time.
      const isFresh = client.clock.now() - listedAt < SHORTEST_WATCH_MS;
      const isWithoutProgress = isFresh || !watching.progressed;
      if (!isExpired(error) || (expiredWithoutProgress && isWithoutProgress)) throw error;
      expiredWithoutProgress = isWithoutProgress;
    }
  }
}

/** The watches that follow one list. */
class Watching {
  readonly #watch: (version: string, signal: AbortSignal) => ReturnType<KubernetesClient['watch']>;
  readonly #follower: ObjectsFollower;
  #version: string;
  #progressed = false;

  constructor(
    client: KubernetesClient,
    resource: KubernetesResource,
    selection: Selection,
    follower: ObjectsFollower,
    version: string,
  ) {
    this.#watch = (from, signal) => client.watch(resource, selection, from, { signal });
    this.#follower = follower;
    this.#version = version;
  }

  /** Whether a watch has told anything, or ended as it should. */
  get progressed(): boolean {
    return this.#progressed;
  }

  async once(signal: AbortSignal): Promise<void> {
    for await (const event of this.#watch(this.#version, signal)) {
      this.#version = event.resourceVersion;
      this.#progressed = true;
      if (event.type === 'BOOKMARK') this.#follower.confirmed();
      else this.#follower.changed(event.object, event.type === 'DELETED');
    }
    this.#progressed = true;
    this.#follower.confirmed();
  }
}
