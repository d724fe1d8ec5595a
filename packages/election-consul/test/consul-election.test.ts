import { type ClusterContext, type LeaderElection, settleWithin, silentLogger } from '@quorate/core';
import { consulEngine, type HttpAnswer, type HttpExchange, type HttpRequest } from '@quorate/engine-consul';
import { createWorld, type World } from '@quorate/simulator';
import { expect, it } from 'vitest';

import { consulElection, type ConsulElectionOptions } from '../src/index.ts';

/** A Consul in which there is one free key, whatever it is called, and no session is ever made. */
class FreeKey implements HttpExchange {
  readonly requests: HttpRequest[] = [];

  send(request: HttpRequest, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<HttpAnswer> {
    this.requests.push(request);
    return settleWithin<HttpAnswer>(options.signal, 'send', (resolve) => {
      const body = JSON.stringify([{ ModifyIndex: 7, Value: null }]);
      if (request.method === 'GET') resolve({ status: 200, headers: { 'x-consul-index': '7' }, body });
      return () => undefined;
    });
  }

  openLine() {
    return { send: this.send.bind(this), [Symbol.dispose]: () => undefined };
  }

  [Symbol.dispose](): void {
    this.requests.length = 0;
  }
}

interface Asked {
  readonly key: string;
  readonly session: unknown;
}

/** What is asked for by a candidate with these options. */
async function askedFor(options: ConsulElectionOptions): Promise<Asked> {
  const world: World = createWorld({ seed: 'election-consul' });
  const host = world.host('a');
  host.start(() => undefined);
  const exchange = new FreeKey();
  const self = { id: 'a', host: 'a', port: 7000 };
  const cluster = { name: 'Ä b', id: undefined, adopt: () => undefined };
  const context = { ...host.system, logger: silentLogger, self, incarnation: 3, cluster } as unknown as ClusterContext;
  const engine = consulEngine({ exchange: () => exchange });
  const election: LeaderElection = consulElection({ ...options, engine }).create(context);
  await election.start();
  const campaign = election.campaign();
  campaign.catch(() => undefined);
  const made = () => exchange.requests.find(({ path }) => path === '/v1/session/create');
  const passed = new Promise((resolve) => void host.system.clock.setTimer(100, () => resolve(undefined)));
  await world.settled(passed, 1_000);
  const session: unknown = JSON.parse(String(made()?.body));
  const [, key = ''] = /^\/v1\/kv\/([^?]+)/u.exec(exchange.requests[0]?.path ?? '') ?? [];
  await world.settled(Promise.resolve(election[Symbol.asyncDispose]()), 60_000);
  return { key: decodeURIComponent(key), session };
}

it('asks for a key of the cluster, for a session of ten seconds, and as long a lock-delay', async () => {
  const key = 'quorate/%C3%84%20b/leader/.lock';
  const Name = `quorate lease of ${key} for a, run 3, claim 0`;
  const session = { Name, TTL: '10000ms', LockDelay: '10000ms', Behavior: 'release' };
  expect(await askedFor({})).toEqual({ key, session });
});

it('asks for what it was told to', async () => {
  const { key, session } = await askedFor({ key: 'my/leader', ttlMs: 4_000, sessionTtlMs: 7_000 });
  expect([key, session]).toEqual(['my/leader', expect.objectContaining({ TTL: '7000ms', LockDelay: '4000ms' })]);
  expect((await askedFor({ ttlMs: 60_000 })).session).toMatchObject({ TTL: '30000ms', LockDelay: '60000ms' });
  expect((await askedFor({ ttlMs: 1_000, sessionTtlMs: 500 })).session).toMatchObject({ TTL: '500ms' });
});
