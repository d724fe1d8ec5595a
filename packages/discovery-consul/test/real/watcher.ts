import { type Clock, type DiscoveredNode, type DiscoverySnapshot, type IClusterDiscovery, sleep } from '@quorate/core';

const LOOK_MS = 10;

/** Waits until the condition holds, with a bound. Returns how long that took. */
export async function until(
  clock: Clock,
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<number> {
  const start = clock.now();
  while (!(await condition())) {
    if (clock.now() - start > withinMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await sleep(clock, LOOK_MS);
  }
  return clock.now() - start;
}

/** Follows a watch to its end, and keeps all that it told. */
export class Watcher {
  readonly told: DiscoverySnapshot[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock, discovery: IClusterDiscovery) {
    this.#clock = clock;
    void this.#follow(discovery);
  }

  get ids(): string {
    return idsOf(this.told.at(-1)?.nodes ?? []);
  }

  /** @param ids in order, separated by blanks */
  sees(ids: string, withinMs?: number): Promise<number> {
    return until(this.#clock, `a watch to tell "${ids}" and not "${this.ids}"`, () => this.ids === ids, withinMs);
  }

  async #follow(discovery: IClusterDiscovery): Promise<void> {
    for await (const snapshot of discovery.watch()) this.told.push(snapshot);
  }
}

export function idsOf(nodes: readonly DiscoveredNode[]): string {
  return nodes
    .map(({ id }) => id ?? '?')
    .sort()
    .join(' ');
}
