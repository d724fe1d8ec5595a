import {
  Broadcast,
  type CallOptions,
  ClusterError,
  type MonotonicMs,
  type NodeId,
  type RumourVerdict,
  type Timer,
} from '@quorate/core';
import { decodeValue, encodeValue, type GossipValue, NOTHING } from './gossip-value.ts';
import type { NodeStates, StateChange } from './gossip.ts';
import { checkName, type Ground, rumourOf } from './ground.ts';
import { MAX_STATE_BYTES, MAX_STATE_KEYS } from './limits.ts';
import { encodeNews, type StateNews } from './news.ts';
import { StateTable } from './state-table.ts';

const MAX_UNREAD = 1_024;
const SWEEP_MS = 15_000;
/** Of nodes that are no members: they may be soon. */
const STRANGER_MS = 30_000;
const MAX_STRANGERS = 1_024;
/** A run is taken over at most so often: two nodes with one id would do it for ever. */
const TAKE_OVER_MS = 1_000;

/** What nodes tell of themselves, as this node knows it, and what this one tells. */
export class StateBoard implements NodeStates, Disposable {
  readonly #ground: Ground;
  readonly #table = new StateTable();
  readonly #changes = new Broadcast<StateChange>(MAX_UNREAD);
  /** Those of which readers were told. */
  readonly #shown = new Set<NodeId>();
  /** Since when something is known of nodes that are no members. */
  readonly #strangers = new Map<NodeId, MonotonicMs>();
  /** Of this node: greater than any that others know of. */
  #run: number;
  #counter = 0;
  #tookOverAt = -Infinity;
  #sweep: Timer;

  constructor(ground: Ground) {
    this.#ground = ground;
    const { view } = ground.cluster.membership;
    this.#run = view.members.get(ground.selfId)?.incarnation ?? 0;
    this.#sweep = ground.clock.setTimer(SWEEP_MS, () => this.#onSweep());
    this.#begin();
    void this.#follow();
  }

  get nodes(): readonly NodeId[] {
    return [...this.#table.nodes].filter((id) => this.#ground.isMember(id)).sort((a, b) => (a < b ? -1 : 1));
  }

  of(nodeId: NodeId): ReadonlyMap<string, GossipValue> | undefined {
    if (!this.#table.has(nodeId) || !this.#ground.isMember(nodeId)) return undefined;
    const values = new Map<string, GossipValue>();
    for (const [key, bytes] of this.#table.valuesOf(nodeId)) {
      const value = decodeValue(bytes);
      if (value !== undefined) values.set(key, value);
    }
    return values;
  }

  set(key: string, value: GossipValue): void {
    checkName('states', 'key', key);
    this.#write(key, encodeValue('states', 'value', value));
  }

  remove(key: string): void {
    if (this.#table.valuesOf(this.#ground.selfId).has(key)) this.#write(key, NOTHING);
  }

  watch(options: CallOptions = {}): AsyncIterable<StateChange> {
    return this.#changes.watch(options);
  }

  receive(news: StateNews): RumourVerdict {
    if (news.nodeId === this.#ground.selfId) return this.#receiveOwn(news);
    if (!this.#ground.isMember(news.nodeId) && !this.#admitStranger(news.nodeId)) return { isNews: false };
    const before = [...this.#table.valuesOf(news.nodeId).keys()];
    const effect = this.#table.merge(news);
    if (effect === 'refused') this.#ground.warn('keys', `${news.nodeId} tells of more than ${MAX_STATE_KEYS} keys`);
    if (effect === 'known' || effect === 'refused') return { isNews: false };
    this.#settle(news.nodeId, effect === 'newRun' ? before : [], news.key);
    return { isNews: true, key: keyOf(news) };
  }

  /** What another node may lack: this node's own first, the others beginning anywhere. */
  *capture(): Generator<StateNews> {
    const { selfId, system } = this.#ground;
    yield* this.#table.newsOf(selfId);
    const others = this.nodes.filter((id) => id !== selfId);
    const from = others.length === 0 ? 0 : system.random.int(others.length);
    for (const id of [...others.slice(from), ...others.slice(0, from)]) yield* this.#table.newsOf(id);
  }

  [Symbol.dispose](): void {
    this.#sweep.cancel();
    this.#changes[Symbol.dispose]();
  }

  #write(key: string, value: Uint8Array): void {
    this.#ground.checkOpen();
    const news = this.#ownNews(key, value, this.#counter + 1);
    rumourOf('states', news);
    this.#checkRoom(news);
    this.#counter += 1;
    this.#table.merge(news);
    this.#spreadOwn(key);
    this.#settle(this.#ground.selfId, [], key);
  }

  #checkRoom(news: StateNews): void {
    if (this.#table.judge(news) === 'refused') {
      throw new ClusterError('OVERLOADED', `states: there are ${MAX_STATE_KEYS} keys, removed ones included`);
    }
    const values = new Map(this.#table.valuesOf(this.#ground.selfId)).set(news.key, news.value);
    let bytes = 0;
    for (const [key, value] of values) bytes += new TextEncoder().encode(key).byteLength + value.byteLength;
    if (news.value.byteLength === 0 || bytes <= MAX_STATE_BYTES) return;
    throw new ClusterError('OVERLOADED', `states: all would have ${bytes} bytes, at most ${MAX_STATE_BYTES} are told`);
  }

  #ownNews(key: string, value: Uint8Array, counter: number): StateNews {
    return { type: 'state', nodeId: this.#ground.selfId, run: this.#run, counter, key, value };
  }

  #spreadOwn(key: string): void {
    this.#ground.spreadSurely(`s/${this.#ground.selfId}/${key}`, () => {
      const news = this.#table.newsOf(this.#ground.selfId).find((each) => each.key === key);
      return news === undefined ? undefined : encodeNews(news);
    });
  }

  /** Says that a run has begun, so that what is known of earlier ones goes. */
  #begin(): void {
    const news = this.#ownNews('', NOTHING, 0);
    this.#table.merge(news);
    this.#ground.spreadSurely(`s/${this.#ground.selfId}/`, () => encodeNews(news));
  }

  /** Others know something later of this node than it does itself: of a run that it forgot. It goes on in a later one. */
  #receiveOwn(news: StateNews): RumourVerdict {
    const now = this.#ground.clock.now();
    const effect = this.#table.judge(news);
    if (effect === 'known' || now - this.#tookOverAt < TAKE_OVER_MS) return { isNews: false };
    this.#tookOverAt = now;
    const values = this.#table.valuesOf(this.#ground.selfId);
    this.#run = Math.max(this.#run, news.run) + 1;
    this.#begin();
    for (const [key, value] of values) {
      this.#counter += 1;
      this.#table.merge(this.#ownNews(key, value, this.#counter));
      this.#spreadOwn(key);
    }
    return { isNews: false };
  }

  #admitStranger(id: NodeId): boolean {
    if (this.#strangers.has(id)) return true;
    if (this.#strangers.size >= MAX_STRANGERS) return false;
    this.#strangers.set(id, this.#ground.clock.now());
    return true;
  }

  async #follow(): Promise<void> {
    const { cluster, signal } = this.#ground;
    for await (const { type, member } of cluster.membership.watch({ signal })) {
      if (type === 'joined' || type === 'left') this.#settle(member.node.id, []);
    }
    // The membership is over, and so is what it carries.
    this.#ground[Symbol.dispose]();
  }

  /** Shows readers what is to be shown of a node: all, when it is shown for the first time. */
  #settle(nodeId: NodeId, vanished: readonly string[], changed?: string): void {
    if (!this.#table.has(nodeId)) return;
    if (!this.#ground.isMember(nodeId)) {
      this.#hide(nodeId);
      return;
    }
    this.#strangers.delete(nodeId);
    const values = this.#table.valuesOf(nodeId);
    const isFirst = !this.#shown.has(nodeId);
    this.#shown.add(nodeId);
    const keys = isFirst ? [...values.keys()] : [...vanished.filter((key) => key !== changed), changed ?? ''];
    for (const key of new Set(keys)) if (key !== '') this.#publish(nodeId, key, values.get(key) ?? NOTHING);
  }

  #publish(nodeId: NodeId, key: string, bytes: Uint8Array): void {
    if (this.#changes.readers === 0) return;
    const value = decodeValue(bytes);
    this.#changes.publish(value === undefined ? { type: 'removed', nodeId, key } : { type: 'set', nodeId, key, value });
  }

  /** Of one that left. What comes of it later is kept for a while, as that of one who may be a member soon. */
  #hide(nodeId: NodeId): void {
    if (!this.#shown.delete(nodeId)) return;
    this.#table.drop(nodeId);
    this.#changes.publish({ type: 'gone', nodeId });
  }

  /** What the membership has forgotten goes, told or not; its changes may have been missed. */
  #onSweep(): void {
    this.#sweep = this.#ground.clock.setTimer(SWEEP_MS, () => this.#onSweep());
    const before = this.#ground.clock.now() - STRANGER_MS;
    for (const id of this.#table.nodes) this.#settle(id, []);
    for (const [id, since] of this.#strangers) {
      if (since > before) continue;
      this.#strangers.delete(id);
      this.#table.drop(id);
    }
  }
}

function keyOf({ nodeId, key }: StateNews): string {
  return `s/${nodeId}/${key}`;
}
