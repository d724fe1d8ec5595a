import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventClient } from './events.ts';
import { type Id, ThreeNodes } from './three-nodes.ts';

/** Processes take their time to start where a machine has much to do. */
const BUSY_MS = 120_000;

let nodes: ThreeNodes;

beforeAll(async () => {
  nodes = await ThreeNodes.start();
}, BUSY_MS);

afterAll(() => nodes[Symbol.asyncDispose]());

const followerOf = (leader: Id): Id => (leader === 'a' ? 'b' : 'a');
const third = (one: Id, other: Id): Id => (['a', 'b', 'c'] as const).find((id) => id !== one && id !== other)!;

/** Publishes these one after the other, again with the same id where it isn't known whether that went well. */
async function publishAll(queue: string, ids: readonly string[], at: () => Id): Promise<void> {
  for (const id of ids) {
    for (;;) {
      const answer = await nodes
        .call(at(), 'POST', `/v1/queues/${queue}/messages`, { messages: [{ id, body: id }] })
        .catch(() => undefined);
      if (answer?.status === 201) break;
      if (answer !== undefined && answer.status < 500) throw new Error(JSON.stringify(answer.body));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** All that is there, each acknowledged at once, until nothing has come for a while. */
async function takeAll(queue: string, at: Id): Promise<readonly string[]> {
  const taken: string[] = [];
  for (;;) {
    const { body } = await nodes.call(at, 'POST', `/v1/queues/${queue}/receive`, { max: 100, waitMs: 500 });
    const { deliveries } = body;
    if (deliveries.length === 0) return taken;
    taken.push(...deliveries.map(({ id }) => id));
    const receipts = deliveries.map(({ receipt }) => receipt);
    await nodes.call(at, 'POST', `/v1/queues/${queue}/acknowledge`, { receipts });
  }
}

it('serve clients by any node: one publishes, one receives, one acknowledges', async () => {
  const leader = await nodes.leader();
  const follower = followerOf(leader);
  const other = third(leader, follower);
  expect((await nodes.call(follower, 'PUT', '/v1/queues/any', { options: { visibilityMs: 60_000 } })).status).toBe(201);
  const stream = new EventClient(`${nodes.url(other)}/v1/queues/any/deliveries?prefetch=1`);
  await stream.headers;
  await publishAll('any', ['one', 'two'], () => follower);
  const [first] = await stream.first(1, 'delivery');
  expect(first!.data).toMatchObject({ id: 'one', body: 'one', attempt: 1 });
  // The node that delivers hears of it by the log alone.
  const { body } = await nodes.call(leader, 'POST', '/v1/queues/any/acknowledge', { receipts: [first!.data.receipt] });
  expect(body.settled).toEqual(['done']);
  expect((await stream.first(2, 'delivery'))[1]!.data).toMatchObject({ id: 'two' });
  stream.drop();
  expect(await takeAll('any', leader)).toEqual(['two']);
});

it(
  'hand leadership over when any of them is asked to',
  async () => {
    const handOver = async () => {
      const leader = await nodes.leader();
      const to = followerOf(leader);
      const { status } = await nodes.call(third(leader, to), 'POST', '/v1/cluster/transfer', { to });
      return [status, (await nodes.leader()) === to];
    };
    // At once, where the machine has nothing else to do.
    await expect.poll(handOver, { timeout: BUSY_MS }).toEqual([204, true]);
  },
  BUSY_MS,
);

it(
  'lose nothing when the leader is killed while clients publish, nor when all are, and start from disk',
  async () => {
    await nodes.call('a', 'PUT', '/v1/queues/kept', {});
    const leader = await nodes.leader();
    const ids = Array.from({ length: 60 }, (_, at) => `m${at}`);
    const publishing = publishAll('kept', ids, () => followerOf(leader));
    const accepted = async () =>
      (await nodes.call(followerOf(leader), 'GET', '/v1/queues/kept').catch(() => undefined))?.body.accepted as number;
    await expect.poll(accepted, { timeout: BUSY_MS }).toBeGreaterThan(5);
    await nodes.end(leader, 'SIGKILL');
    await publishing;
    const [one, other] = (['a', 'b', 'c'] as const).filter((id) => id !== leader) as [Id, Id];
    expect((await nodes.call(one, 'GET', '/v1/queues/kept')).body).toMatchObject({ accepted: 60, ready: 60 });
    await nodes.end(one, 'SIGKILL');
    const messages = [{ id: ids[0], body: 'x' }];
    const alone = await nodes.call(other, 'POST', '/v1/queues/kept/messages', { messages });
    expect([503, 504]).toContain(alone.status);
    expect(alone.body).toMatchObject({ outcome: expect.stringMatching(/^(not-applied|unknown)$/u) as unknown });
    await nodes.end(other, 'SIGKILL');
    for (const id of ['a', 'b', 'c'] as const) nodes.begin(id);
    await Promise.all((['a', 'b', 'c'] as const).map((id) => nodes.ready(id)));
    expect([...(await takeAll('kept', 'b'))].sort()).toEqual([...ids].sort());
  },
  BUSY_MS,
);

it(
  'stop with requests under way, and lose nothing',
  async () => {
    await nodes.call('a', 'PUT', '/v1/queues/left', { options: { visibilityMs: 600_000 } });
    const leader = await nodes.leader();
    const stays = followerOf(leader);
    const ids = Array.from({ length: 40 }, (_, at) => `r${at}`);
    // Those of a node that is about to stop go to another one.
    let isStopping = false;
    const publishing = publishAll('left', ids, () => (isStopping ? stays : leader));
    const stream = new EventClient(`${nodes.url(leader)}/v1/queues/left/deliveries?prefetch=5`);
    await stream.first(3, 'delivery');
    const ending = nodes.end(leader, 'SIGTERM');
    await stream.ended;
    isStopping = true;
    expect(await ending).toBe(0);
    await publishing;
    // What the stream held was given back: otherwise it would be ten minutes.
    expect([...(await takeAll('left', stays))].sort()).toEqual([...ids].sort());
    expect(nodes.output).not.toMatch(/Error|failed/u);
  },
  BUSY_MS,
);
