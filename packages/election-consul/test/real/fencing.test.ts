import { nodeSystem } from '@quorate/core/node';
import { type ConsulClient, consulEngine } from '@quorate/engine-consul';
import { ConsulServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, expect, it } from 'vitest';

import { Scene } from './scene.ts';

const started = await ConsulServer.start();
if (started === undefined) reportAbsent('consul');
afterAll(async () => started?.[Symbol.asyncDispose]());

/** Writes, unless somebody else has got the lock since: Consul compares in the transaction that writes. */
async function putFenced(
  client: ConsulClient,
  lock: string,
  token: bigint,
  key: string,
  value: string,
): Promise<boolean> {
  const check = { Verb: 'check-index', Key: lock, Index: Number(token) };
  const write = { Verb: 'set', Key: key, Value: btoa(value) };
  const { status } = await client.put(['txn'], [{ KV: check }, { KV: write }], { answers: [409] });
  return status !== 409;
}

describe.skipIf(started === undefined)('what a leader writes into Consul', () => {
  const server = started as ConsulServer;

  it('is refused when it arrives after another has been elected', async () => {
    await using scene = new Scene(server, 'fenced/leader/.lock');
    await using client = consulEngine({ address: server.address }).open(nodeSystem());
    const { a, first, second } = await scene.pair();
    const put = (token: bigint, value: string) => putFenced(client, scene.key, token, 'fenced/state', value);
    expect(await put(first.token, 'by a')).toBe(true);
    // On its way while a is cut off.
    a.gate.stall();
    const next = await second;
    expect(await put(next.token, 'by b')).toBe(true);
    expect(await put(first.token, 'by a, late')).toBe(false);
    const { body } = await client.get(['kv', 'fenced', 'state']);
    expect((body as readonly { readonly Value: string }[])[0]?.Value).toBe(btoa('by b'));
  });
});
