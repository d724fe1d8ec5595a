import {
  type ClusterContext,
  type LeaderElection,
  type Leadership,
  silentLogger,
  sleep,
  type System,
  withDeadline,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { type EtcdEngine, etcdEngine } from '@quorate/engine-etcd';
import { TcpGate } from '@quorate/test-servers';

import { etcdElection, type EtcdElectionOptions } from '../../src/index.ts';

export const system: System = nodeSystem({ logger: silentLogger });

/** How long a lease is in these tests, and what a takeover may take: it, what etcd takes to see it, and a busy machine. */
export const TTL_MS = 3_000;
export const TAKEN_OVER_MS: number = 2 * TTL_MS + 2_000;

export interface Details {
  readonly incarnation?: number;
  readonly clock?: System['clock'];
}

/** An election of a node as a cluster would make it, without the rest of one; started. */
export async function electing(
  id: string,
  options: EtcdElectionOptions,
  { incarnation = 1, clock = system.clock }: Details = {},
): Promise<LeaderElection> {
  const self = { id, host: '127.0.0.1', port: 7_000 };
  const cluster = { name: 'test', id: undefined, adopt: () => undefined };
  const context = { ...system, clock, self, incarnation, cluster } as unknown as ClusterContext;
  const election = etcdElection({ ttlMs: TTL_MS, ...options }).create(context);
  await election.start();
  return election;
}

/** A way to etcd of its own, which can be cut, and an engine that takes it. */
export class OwnWay implements AsyncDisposable {
  readonly gates: readonly TcpGate[];
  readonly engine: EtcdEngine;

  private constructor(gates: readonly TcpGate[]) {
    this.gates = gates;
    this.engine = etcdEngine({ endpoints: gates.map(({ port }) => `http://127.0.0.1:${port}`) });
  }

  static async to(endpoints: readonly string[]): Promise<OwnWay> {
    return new OwnWay(await Promise.all(endpoints.map((endpoint) => TcpGate.open(Number(new URL(endpoint).port)))));
  }

  /** Nothing gets through any more, and no connection ends. */
  stall(): void {
    for (const gate of this.gates) gate.stall();
  }

  cut(): void {
    for (const gate of this.gates) gate.cut();
  }

  reopen(): void {
    for (const gate of this.gates) gate.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.gates.map((gate) => gate[Symbol.asyncDispose]()));
  }
}

const SAMPLE_MS = 2;

/** Looks at all sides again and again: whether ever two grants are valid at one time, and whether tokens only grow. */
export class Samples implements AsyncDisposable {
  readonly #elections = new Map<string, LeaderElection>();
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  readonly #faults: string[] = [];
  #highest = 0n;
  #owner = '';

  constructor() {
    this.#running = this.#run();
  }

  watch(name: string, election: LeaderElection): LeaderElection {
    this.#elections.set(name, election);
    return election;
  }

  /** The grants that are valid now, looked at in one turn. */
  valid(): readonly (readonly [string, Leadership])[] {
    return [...this.#elections].flatMap(([name, { leadership }]) =>
      leadership?.isValid() === true ? [[name, leadership] as const] : [],
    );
  }

  /** The grant of who leads, but for one. */
  async leader(except?: string, withinMs: number = TAKEN_OVER_MS): Promise<Leadership> {
    const find = () => this.valid().find(([name]) => name !== except)?.[1];
    await until('a leader', () => find() !== undefined, withinMs);
    return find() as Leadership;
  }

  /** @throws Error what was seen that must never be */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'));
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#look();
      await sleep(system.clock, SAMPLE_MS);
    }
  }

  #look(): void {
    const valid = this.valid();
    if (valid.length > 1) this.#faults.push(`valid at one time: ${valid.map(([name]) => name).join(' and ')}`);
    for (const [name, { token }] of valid) {
      if (token < this.#highest) this.#faults.push(`${name} leads with ${token} after ${this.#highest}`);
      if (token === this.#highest && name !== this.#owner) this.#faults.push(`${token} was granted to two`);
      if (token > this.#highest) this.#owner = name;
      if (token > this.#highest) this.#highest = token;
    }
  }
}

export async function until(
  what: string,
  isMet: () => boolean | Promise<boolean>,
  withinMs = TAKEN_OVER_MS,
): Promise<void> {
  await withDeadline(system.clock, withinMs, what, async (signal) => {
    while (!(await isMet())) await sleep(system.clock, SAMPLE_MS, { signal });
  });
}

/** Stands whenever it doesn't lead. */
export function alwaysStanding(election: LeaderElection, signal: AbortSignal): void {
  const run = async () => {
    while (!signal.aborted) {
      const grant = await election.campaign({ signal });
      if (!grant.signal.aborted) {
        await new Promise((resolve) => grant.signal.addEventListener('abort', resolve, { once: true }));
      }
    }
  };
  run().catch(() => undefined);
}
