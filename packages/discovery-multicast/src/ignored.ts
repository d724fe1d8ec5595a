import { type Address, type Clock, formatAddress, type Logger, type MonotonicMs } from '@quorate/core';

import type { Unreadable } from './datagram.ts';

/** Why a datagram was ignored. */
export type IgnoredReason = Unreadable | 'repeated' | 'full' | 'ownId';

/** Of one reason. */
const REPORT_EVERY_MS = 60_000;

const MEANING: Readonly<Record<IgnoredReason, readonly [level: 'debug' | 'info' | 'warn', text: string]>> = {
  foreign: ['info', 'they are of something else: give it or this cluster another group or port'],
  otherVersion: ['warn', 'another release of this package wrote them, in a format that this one does not read'],
  unauthenticated: ['warn', 'their secret is another one, or they have none: all nodes must have the same'],
  damaged: ['warn', 'they arrived damaged'],
  malformed: ['warn', 'they are not what a node of this version says'],
  otherCluster: ['info', 'they are of other clusters'],
  repeated: ['debug', 'they were heard before, or are older than what was: duplicates of the network, or a replay'],
  full: ['warn', 'more nodes announce themselves than are remembered'],
  ownId: ['warn', 'another node announces itself with the id of this one'],
};

/** Counts what is ignored, and says so now and then: whoever can send datagrams must not be able to fill a log. */
export class Ignored {
  readonly counts: Record<IgnoredReason, number> = {
    foreign: 0,
    otherVersion: 0,
    unauthenticated: 0,
    damaged: 0,
    malformed: 0,
    otherCluster: 0,
    repeated: 0,
    full: 0,
    ownId: 0,
  };
  readonly #source: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #reported = new Map<IgnoredReason, { readonly at: MonotonicMs; readonly count: number }>();

  constructor(source: string, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#source = source;
    this.#clock = clock;
    this.#logger = logger;
  }

  count(reason: IgnoredReason, from: Address): void {
    this.counts[reason] += 1;
    const last = this.#reported.get(reason);
    const now = this.#clock.now();
    if (last !== undefined && now - last.at < REPORT_EVERY_MS) return;
    const count = this.counts[reason];
    this.#reported.set(reason, { at: now, count });
    const [level, text] = MEANING[reason];
    const which = `${count - (last?.count ?? 0)} datagrams ignored, the last from ${formatAddress(from)}`;
    this.#logger[level](`${this.#source}: ${which}: ${text}`);
  }
}
