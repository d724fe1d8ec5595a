import {
  Broadcast,
  type CallOptions,
  checkOptions,
  ClusterError,
  isNodeId,
  rule,
  type RumourVerdict,
} from '@quorate/core';
import { decodeValue, encodeValue, type GossipValue, NOTHING } from './gossip-value.ts';
import type { Configuration, Setting, SettingChange, SettingWriteOptions } from './gossip.ts';
import { checkName, type Ground, rumourOf } from './ground.ts';
import { MAX_SETTINGS } from './limits.ts';
import { encodeNews, type SettingNews } from './news.ts';
import { type KeptSetting, SettingTable, type SettingVersion } from './setting-table.ts';

const MAX_UNREAD = 1_024;
/** No removal is remembered for much longer than it should. */
const REAP_EVERY_MS = 10_000;

const writeRules = {
  ifVersion: rule.value<SettingVersion | 'none'>('a version, or none', isVersion),
};

/** The configuration, as this node knows it. */
export class Settings implements Configuration, Disposable {
  readonly #ground: Ground;
  readonly #table: SettingTable;
  readonly #changes = new Broadcast<SettingChange>(MAX_UNREAD);
  #reapAt: number;

  constructor(ground: Ground, reapAfterMs: number) {
    this.#ground = ground;
    this.#table = new SettingTable(reapAfterMs);
    this.#reapAt = ground.clock.now() + REAP_EVERY_MS;
  }

  /** Of the latest write that was heard of. */
  get time(): number {
    return this.#table.time;
  }

  witness(time: number): void {
    this.#table.witness(time);
  }

  get(key: string): Setting | undefined {
    const kept = this.#table.get(key);
    return kept === undefined ? undefined : settingOf(kept);
  }

  get entries(): ReadonlyMap<string, Setting> {
    const entries = new Map<string, Setting>();
    for (const [key, kept] of [...this.#table.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const setting = settingOf(kept);
      if (setting !== undefined) entries.set(key, setting);
    }
    return entries;
  }

  set(key: string, value: GossipValue, options: SettingWriteOptions = {}): SettingVersion | undefined {
    checkName('configuration', 'key', key);
    return this.#write(key, encodeValue('configuration', 'value', value), options);
  }

  remove(key: string, options: SettingWriteOptions = {}): boolean {
    if (this.get(key) === undefined) return false;
    return this.#write(key, NOTHING, options) !== undefined;
  }

  watch(options: CallOptions = {}): AsyncIterable<SettingChange> {
    return this.#changes.watch(options);
  }

  receive(news: SettingNews): RumourVerdict {
    this.#reap();
    const effect = this.#table.merge(news, this.#ground.clock.now());
    if (effect === 'refused') this.#ground.warn('settings', 'the configuration has too many keys');
    if (effect !== 'news') return { isNews: false };
    this.#publish(news.key);
    return { isNews: true, key: keyOf(news.key) };
  }

  *capture(): Generator<SettingNews> {
    this.#reap();
    const now = this.#ground.clock.now();
    for (const [key] of this.#table.entries()) {
      const news = this.#table.newsOf(key, now);
      if (news !== undefined) yield news;
    }
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
  }

  #write(key: string, value: Uint8Array, options: SettingWriteOptions): SettingVersion | undefined {
    const { ifVersion } = checkOptions<SettingWriteOptions>('configuration', writeRules, options);
    this.#ground.checkOpen();
    this.#reap();
    if (ifVersion !== undefined && !isSame(this.get(key)?.version, ifVersion)) return undefined;
    if (this.#table.get(key) === undefined && this.#table.size >= MAX_SETTINGS) {
      throw new ClusterError('OVERLOADED', `configuration: there are ${MAX_SETTINGS} keys, removed ones included`);
    }
    const version = { time: this.#table.time + 1, writer: this.#ground.selfId };
    const news: SettingNews = { type: 'setting', key, ...version, value, ageMs: 0 };
    rumourOf('configuration', news);
    this.#table.merge(news, this.#ground.clock.now());
    this.#spread(key);
    this.#publish(key);
    return version;
  }

  #spread(key: string): void {
    this.#ground.spreadSurely(keyOf(key), () => {
      const news = this.#table.newsOf(key, this.#ground.clock.now());
      return news === undefined ? undefined : encodeNews(news);
    });
  }

  #publish(key: string): void {
    if (this.#changes.readers > 0) this.#changes.publish({ key, setting: this.get(key) });
  }

  #reap(): void {
    const now = this.#ground.clock.now();
    if (now < this.#reapAt) return;
    this.#reapAt = now + REAP_EVERY_MS;
    this.#table.reap(now);
  }
}

function settingOf({ value: bytes, time, writer }: KeptSetting): Setting | undefined {
  const value = decodeValue(bytes);
  return value === undefined ? undefined : { value, version: { time, writer } };
}

function isSame(known: SettingVersion | undefined, wanted: SettingVersion | 'none'): boolean {
  if (wanted === 'none' || known === undefined) return known === undefined && wanted === 'none';
  return known.time === wanted.time && known.writer === wanted.writer;
}

function isVersion(value: unknown): boolean {
  if (value === 'none') return true;
  const { time, writer } = Object(value) as Partial<Record<keyof SettingVersion, unknown>>;
  return Number.isSafeInteger(time) && isNodeId(writer);
}

function keyOf(key: string): string {
  return `c/${key}`;
}
