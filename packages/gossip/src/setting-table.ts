import type { MonotonicMs, NodeId } from '@quorate/core';
import { compareBytes } from './compare-bytes.ts';
import { MAX_LEAP, MAX_MERGED_SETTINGS } from './limits.ts';
import type { SettingNews } from './news.ts';

/** The later time wins, of two writers at one time the one with the greater id. */
export interface SettingVersion {
  readonly time: number;
  readonly writer: NodeId;
}

export interface KeptSetting extends SettingVersion {
  /** Empty when it was removed. */
  readonly value: Uint8Array;
  /** By this node's clock; undefined unless it was removed. */
  readonly removedAt: MonotonicMs | undefined;
}

/**
 * The configuration: the last writer of each key wins. A join-semilattice, so that news may come in any order and any number
 * of times. What was removed is remembered for `reapAfterMs`, counted together by all: its age travels with it.
 */
export class SettingTable {
  readonly #settings = new Map<string, KeptSetting>();
  readonly #reapAfterMs: number;
  /** The latest that was heard of. */
  #time = 0;

  constructor(reapAfterMs: number) {
    this.#reapAfterMs = reapAfterMs;
  }

  get time(): number {
    return this.#time;
  }

  /** Removed ones included. */
  get size(): number {
    return this.#settings.size;
  }

  witness(time: number): void {
    if (time - this.#time <= MAX_LEAP) this.#time = Math.max(this.#time, time);
  }

  get(key: string): KeptSetting | undefined {
    return this.#settings.get(key);
  }

  entries(): IterableIterator<[string, KeptSetting]> {
    return this.#settings.entries();
  }

  /** `refused`: there are too many. */
  merge(news: SettingNews, now: MonotonicMs): 'known' | 'news' | 'refused' {
    if (news.time - this.#time > MAX_LEAP) return 'known';
    this.witness(news.time);
    const kept = this.#settings.get(news.key);
    const order = kept === undefined ? 1 : compare(news, kept);
    const next = this.#asKept(news, now, order === 0 ? kept : undefined);
    if (order < 0 || (kept === undefined && this.#isOver(next, now))) return 'known';
    if (kept === undefined && !this.#makeRoom()) return 'refused';
    this.#settings.set(news.key, next);
    return order === 0 ? 'known' : 'news';
  }

  /** Forgets what was removed long enough ago. */
  reap(now: MonotonicMs): void {
    for (const [key, kept] of this.#settings) if (this.#isOver(kept, now)) this.#settings.delete(key);
  }

  /** Whether another one has a place; what was removed first makes way. */
  #makeRoom(): boolean {
    if (this.#settings.size < MAX_MERGED_SETTINGS) return true;
    const removed = [...this.#settings].filter(([, { removedAt }]) => removedAt !== undefined);
    const [first] = removed.sort(([, a], [, b]) => (a.removedAt ?? 0) - (b.removedAt ?? 0));
    return first !== undefined && this.#settings.delete(first[0]);
  }

  #asKept({ time, writer, value, ageMs }: SettingNews, now: MonotonicMs, known?: KeptSetting): KeptSetting {
    if (value.byteLength > 0) return { time, writer, value, removedAt: undefined };
    return { time, writer, value, removedAt: Math.min(now - ageMs, known?.removedAt ?? Infinity) };
  }

  #isOver({ removedAt }: KeptSetting, now: MonotonicMs): boolean {
    return removedAt !== undefined && now - removedAt >= this.#reapAfterMs;
  }

  newsOf(key: string, now: MonotonicMs): SettingNews | undefined {
    const kept = this.#settings.get(key);
    if (kept === undefined) return undefined;
    const { time, writer, value, removedAt = now } = kept;
    return { type: 'setting', key, time, writer, value, ageMs: Math.max(0, Math.round(now - removedAt)) };
  }
}

/** Of one version there is one value, unless a writer forgot that it had written: then the greater one stands. */
function compare(a: Omit<KeptSetting, 'removedAt'>, b: Omit<KeptSetting, 'removedAt'>): number {
  if (a.time !== b.time) return a.time - b.time;
  if (a.writer !== b.writer) return a.writer < b.writer ? -1 : 1;
  return compareBytes(a.value, b.value);
}
