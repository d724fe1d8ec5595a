import { type ClusterContext, type LeaderElection, type Logger, silentLogger, sleep, type System } from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { kubernetesEngine } from '@quorate/engine-kubernetes';
import { type KubernetesServer, TcpGate } from '@quorate/test-servers';

import { kubernetesElection, type KubernetesElectionOptions } from '../../src/index.ts';
import { findOverlaps, type GrantSample, sampleGrant } from './grant-samples.ts';

const SAMPLE_MS = 5;

export const system: System = nodeSystem({ logger: silentLogger });
/** Three seconds, of which a grant is valid for two. */
export const QUICK = { ttlMs: 3_000, retryMs: 200, watchMs: 2_000, timeoutMs: 1_000 } as const;

/** One that stands for election, in this process, with a way of its own to the API server. */
export interface Contender {
  readonly id: string;
  readonly election: LeaderElection;
  readonly gate: TcpGate;
  readonly lines: readonly string[];
}

/** Those who contend for one Lease. Every grant is looked at all the time. */
export class Contenders implements AsyncDisposable {
  readonly name: string;
  readonly #server: KubernetesServer;
  readonly #all = new Map<string, Contender>();
  readonly #samples = new Map<string, GrantSample[]>();
  readonly #sampler: NodeJS.Timeout;
  #incarnations = 1_700_000_000_000;

  constructor(server: KubernetesServer, name: string) {
    this.#server = server;
    this.name = name;
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  async add(
    id: string,
    options: KubernetesElectionOptions = {},
    machine: Partial<System> = {},
    token: string = this.#server.tokens.admin,
  ): Promise<Contender> {
    const gate = await TcpGate.open(Number(new URL(this.#server.url).port));
    const serviceAccount = this.#server.serviceAccount(`${this.name}-${id}`, token);
    const engine = kubernetesEngine({ server: `https://127.0.0.1:${gate.port}`, serviceAccount });
    const lines: string[] = [];
    const note = (message: string): void => void lines.push(message);
    const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };
    const self = { id, host: '127.0.0.1', port: 7000 };
    const parts = { ...system, ...machine, logger, self, incarnation: (this.#incarnations += 1) };
    const context = { ...parts, cluster: { name: 'faults' } } as unknown as ClusterContext;
    const election = kubernetesElection({ engine, name: this.name, ...QUICK, ...options }).create(context);
    const contender = { id, election, gate, lines };
    this.#all.set(id, contender);
    await election.start();
    return contender;
  }

  /** Stands, and stands again whenever its grant has ended. */
  stand({ election }: Contender): void {
    const go = async (): Promise<void> => {
      for (;;) {
        const { signal } = await election.campaign();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      }
    };
    go().catch(() => undefined);
  }

  /** Stands until it is elected, or resigns. */
  ask({ election }: Contender): void {
    election.campaign().catch(() => undefined);
  }

  /** Samples of another process. */
  samplesOf(name: string): GrantSample[] {
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    return samples;
  }

  get leader(): Contender | undefined {
    return [...this.#all.values()].find(({ election }) => election.leadership?.isValid() === true);
  }

  async leads(contender: Contender, withinMs = 10_000): Promise<number> {
    return until(`${contender.id} to lead`, () => contender.election.leadership?.isValid() === true, withinMs);
  }

  /** What must never be found. */
  get faults(): readonly string[] {
    return findOverlaps(this.#samples);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.all(
      [...this.#all.values()].map(async ({ election, gate }) => {
        gate.reopen();
        await election[Symbol.asyncDispose]();
        await gate[Symbol.asyncDispose]();
      }),
    );
  }

  #sample(): void {
    for (const [id, { election }] of this.#all) this.samplesOf(id).push(sampleGrant(election));
  }
}

/** How long it took. */
export async function until(what: string, condition: () => boolean, withinMs = 10_000): Promise<number> {
  const { clock } = system;
  const start = clock.now();
  while (!condition()) {
    if (clock.now() - start > withinMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await sleep(clock, 5);
  }
  return clock.now() - start;
}
