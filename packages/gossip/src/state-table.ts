import type { NodeId } from '@quorate/core';
import { compareBytes } from './compare-bytes.ts';
import { NOTHING } from './gossip-value.ts';
import { MAX_STATE_KEYS } from './limits.ts';
import type { StateNews } from './news.ts';

interface KeptValue {
  readonly counter: number;
  /** Empty when it was removed. */
  readonly value: Uint8Array;
}

interface KeptState {
  readonly run: number;
  readonly values: Map<string, KeptValue>;
}

/** What news did. `newRun`: all that was known of earlier runs is gone. */
export type Merged = 'known' | 'news' | 'newRun' | 'refused';

/**
 * What each node tells of itself. A join-semilattice: of two runs the later one stands, within a run the higher counter of
 * each key, and of two values with one version the greater one. So news may come in any order and any number of times.
 */
export class StateTable {
  readonly #states = new Map<NodeId, KeptState>();

  get nodes(): IterableIterator<NodeId> {
    return this.#states.keys();
  }

  get size(): number {
    return this.#states.size;
  }

  has(id: NodeId): boolean {
    return this.#states.has(id);
  }

  runOf(id: NodeId): number | undefined {
    return this.#states.get(id)?.run;
  }

  /** What is not removed. */
  valuesOf(id: NodeId): ReadonlyMap<string, Uint8Array> {
    const values = new Map<string, Uint8Array>();
    for (const [key, { value }] of this.#states.get(id)?.values ?? []) {
      if (value.byteLength > 0) values.set(key, value);
    }
    return values;
  }

  merge(news: StateNews): Merged {
    const effect = this.judge(news);
    if (effect === 'known' || effect === 'refused') return effect;
    let state = this.#states.get(news.nodeId);
    if (state?.run !== news.run) {
      state = { run: news.run, values: new Map() };
      this.#states.set(news.nodeId, state);
    }
    if (news.key !== '') state.values.set(news.key, { counter: news.counter, value: news.value });
    return effect;
  }

  /** What `merge` would do. */
  judge({ nodeId, run, counter, key, value }: StateNews): Merged {
    const state = this.#states.get(nodeId);
    if (state === undefined || run > state.run) return 'newRun';
    if (run < state.run || key === '') return 'known';
    const kept = state.values.get(key);
    if (kept === undefined) return state.values.size < MAX_STATE_KEYS ? 'news' : 'refused';
    if (counter !== kept.counter) return counter > kept.counter ? 'news' : 'known';
    return compareBytes(value, kept.value) > 0 ? 'news' : 'known';
  }

  /** Forgets what a node told. False when it told nothing. */
  drop(id: NodeId): boolean {
    return this.#states.delete(id);
  }

  /** All of one node, as news. */
  newsOf(nodeId: NodeId): readonly StateNews[] {
    const state = this.#states.get(nodeId);
    if (state === undefined) return [];
    const { run } = state;
    if (state.values.size === 0) return [{ type: 'state', nodeId, run, counter: 0, key: '', value: NOTHING }];
    return Array.from(state.values, ([key, kept]) => ({ type: 'state', nodeId, run, key, ...kept }));
  }
}
