import {
  type Clock,
  type ClusterContext,
  type LeaderElection,
  type Leadership,
  silentLogger,
  type System,
} from '@quorate/core';
import { nodeSystem } from '@quorate/core/node';
import { consulEngine } from '@quorate/engine-consul';
import { type ConsulServer, TcpGate } from '@quorate/test-servers';

import { consulElection } from '../../src/index.ts';

/** As quick as a Consul that allows for it can be, on a machine that does other things, too. */
export const timings = { ttlMs: 2_000, sessionTtlMs: 1_000 } as const;
/** Twice the session's time to live, the lock-delay, and what a busy machine takes. */
export const LOST_WITHIN_MS = 2_000 + 2_000 + 3_000;

const LOOK_MS = 2;
const PATIENCE_MS = 15_000;

/** One candidate, with a way to Consul of its own. */
export interface Candidate {
  readonly id: string;
  readonly election: LeaderElection;
  readonly gate: TcpGate;
}

export interface CandidateOptions {
  readonly system?: System;
  readonly token?: string;
  readonly incarnation?: number;
}

/** Candidates for one key, whose grants are looked at all the time. */
export class Scene implements AsyncDisposable {
  readonly key: string;
  readonly clock: Clock = nodeSystem().clock;
  /** What was seen that must not be. */
  readonly wrong: string[] = [];
  readonly #server: ConsulServer;
  readonly #candidates: Candidate[] = [];
  readonly #sampling: NodeJS.Timeout;
  #highest = 0n;
  #samples = 0;

  constructor(server: ConsulServer, key: string) {
    this.#server = server;
    this.key = key;
    this.#sampling = setInterval(() => this.#sample(), LOOK_MS);
  }

  async join(id: string, { system = nodeSystem(), token, incarnation = 1 }: CandidateOptions = {}): Promise<Candidate> {
    const gate = await TcpGate.open(this.#server.port);
    const address = `127.0.0.1:${gate.port}`;
    const engine = consulEngine(token === undefined ? { address } : { address, token });
    const election = consulElection({ engine, key: this.key, ...timings }).create(contextOf(id, incarnation, system));
    await election.start();
    const candidate = { id, election, gate };
    this.#candidates.push(candidate);
    return candidate;
  }

  /** Two candidates, the first of which leads, and the second waits for its turn. */
  async pair(): Promise<{
    readonly a: Candidate;
    readonly b: Candidate;
    readonly first: Leadership;
    readonly second: Promise<Leadership>;
  }> {
    const [a, b] = [await this.join('a'), await this.join('b')];
    const first = await a.election.campaign();
    const second = b.election.campaign();
    second.catch(() => undefined);
    await this.until('b observes a', () => b.election.leader?.nodeId === 'a');
    return { a, b, first, second };
  }

  /** Returns how long it took. */
  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs = PATIENCE_MS): Promise<number> {
    const start = this.clock.now();
    while (!(await condition())) {
      if (this.clock.now() - start > withinMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
      await new Promise((resolve) => void this.clock.setTimer(LOOK_MS, () => resolve(undefined)));
    }
    return this.clock.now() - start;
  }

  async session(): Promise<string> {
    const [entry] = (await this.#server.call('GET', `/v1/kv/${this.key}`)) as readonly { readonly Session: string }[];
    return entry?.Session ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { gate } of this.#candidates) gate.reopen();
    await Promise.all(this.#candidates.map(async ({ election }) => election[Symbol.asyncDispose]()));
    await Promise.all(this.#candidates.map(async ({ gate }) => gate[Symbol.asyncDispose]()));
    clearInterval(this.#sampling);
    if (this.wrong.length > 0) throw new Error(this.wrong.slice(0, 3).join('; '));
    if (this.#samples === 0) throw new Error('nobody has looked at the grants');
  }

  #sample(): void {
    this.#samples += 1;
    const grants = this.#candidates.flatMap(({ election }) => election.leadership ?? []);
    const valid = grants.filter((grant) => grant.isValid());
    if (valid.length > 1)
      this.wrong.push(`two at one time: ${valid.map(({ nodeId, token }) => `${nodeId} ${token}`).join(', ')}`);
    for (const { nodeId, token } of valid) {
      if (token < this.#highest) this.wrong.push(`${nodeId} has token ${token} after ${this.#highest}`);
      this.#highest = token;
    }
  }
}

/** Of a node whose other parts nobody asks for. */
export function contextOf(id: string, incarnation: number, system: System): ClusterContext {
  const self = { id, host: '127.0.0.1', port: 7009 };
  const cluster = { name: 'test', id: undefined, adopt: () => undefined };
  return { ...system, logger: silentLogger, self, incarnation, cluster } as unknown as ClusterContext;
}
