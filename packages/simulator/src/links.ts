import { checkOptions, type OptionRules, rule } from '@quorate/core';

/** How one direction between two hosts behaves. */
export interface LinkOptions {
  /**
   * Time under way.
   * @default 0.5
   */
  readonly latencyMs?: number;
  /**
   * Up to this much is added to each, uniformly.
   * @default 0.2
   */
  readonly jitterMs?: number;
  /**
   * The share of datagrams and one-way messages that is lost, and of stream segments that is sent again.
   * @default 0
   */
  readonly loss?: number;
  /**
   * The share of datagrams and one-way messages that arrives twice.
   * @default 0
   */
  readonly duplicate?: number;
  /**
   * The share of datagrams and one-way messages that later ones may overtake.
   * @default 0
   */
  readonly reorder?: number;
}

export type Link = Required<LinkOptions>;

export const linkRules: OptionRules<LinkOptions> = {
  latencyMs: rule.duration({ min: 0, max: 60_000 }),
  jitterMs: rule.duration({ min: 0, max: 60_000 }),
  loss: rule.number({ min: 0, max: 1 }),
  duplicate: rule.number({ min: 0, max: 1 }),
  reorder: rule.number({ min: 0, max: 1 }),
};

const DEFAULTS: Link = { latencyMs: 0.5, jitterMs: 0.2, loss: 0, duplicate: 0, reorder: 0 };
/** From a host to itself, whatever the world's links are. */
const LOOPBACK: Link = { latencyMs: 0.02, jitterMs: 0.01, loss: 0, duplicate: 0, reorder: 0 };

/** Every direction between two hosts, by their names: how it behaves, and whether anything passes. */
export class Links {
  readonly #default: Link;
  readonly #links = new Map<string, Link>();
  readonly #blocked = new Set<string>();
  /** What waits for a direction to open. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(options: LinkOptions) {
    this.#default = { ...DEFAULTS, ...options };
  }

  get(from: string, to: string): Link {
    if (from === to) return LOOPBACK;
    return this.#links.get(key(from, to)) ?? this.#default;
  }

  set(from: string, to: string, options: LinkOptions): void {
    this.#links.set(key(from, to), { ...this.get(from, to), ...checkOptions('setLink', linkRules, options) });
  }

  reset(from: string, to: string): void {
    this.#links.delete(key(from, to));
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(key(from, to));
  }

  block(from: string, to: string): void {
    if (from !== to) this.#blocked.add(key(from, to));
  }

  unblock(from: string, to: string): void {
    const direction = key(from, to);
    if (!this.#blocked.delete(direction)) return;
    const waiting = this.#waiting.get(direction) ?? [];
    this.#waiting.delete(direction);
    for (const wake of waiting) wake();
  }

  unblockAll(): void {
    for (const direction of this.#blocked) {
      const [from = '', to = ''] = direction.split(' ');
      this.unblock(from, to);
    }
  }

  /** Calls `wake` once when the direction, blocked now, opens. Disposing the result forgets it. */
  whenOpen(from: string, to: string, wake: () => void): Disposable {
    const direction = key(from, to);
    const waiting = this.#waiting.get(direction) ?? new Set();
    this.#waiting.set(direction, waiting.add(wake));
    return { [Symbol.dispose]: () => void waiting.delete(wake) };
  }
}

function key(from: string, to: string): string {
  return `${from} ${to}`;
}
